#!/usr/bin/env python3
"""Writes the 24 noiseless BBOB functions as experiments, with shifts and rotations by the published procedure.

    python3 bbob.py                     experiments/bbob/*.toml, of instance 1
    python3 bbob.py --check             the programs, run as Python, against COCO's own code (pip install coco-experiment)
    python3 bbob.py --reference         data/bbob/reference.csv: values of COCO's own code at a few points, for the tests

Definitions: Hansen, Finck, Ros & Auger, Real-parameter black-box optimization benchmarking 2009: noiseless functions
definitions, INRIA RR-6829; random numbers, shifts and rotations as in COCO (github.com/numbbo/coco), legacy code.
The programs are of the model language, which is Python where the two overlap. f_opt is left out: the minimum is 0.
"""

import csv
import math
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIMENSIONS = [2, 5, 10, 20]
INSTANCE = 1
BUDGET = 1000  # evaluations per dimension

# ---------------------------------------------------------------- random numbers of COCO


def uniform(count, seed):
    """Numbers in (0, 1): Park & Miller's generator with a shuffling table of 32 (Bays & Durham)."""
    seed = max(1, abs(int(seed)))

    def following(state):
        quotient = state // 127773
        state = 16807 * (state - quotient * 127773) - 2836 * quotient
        return state + 2147483647 if state < 0 else state

    table = [0] * 32
    for i in range(39, -1, -1):
        seed = following(seed)
        if i < 32:
            table[i] = seed
    drawn, numbers = table[0], []
    for _ in range(count):
        seed = following(seed)
        place = drawn // 67108865
        drawn, table[place] = table[place], seed
        numbers.append(drawn / 2.147483647e9 or 1e-99)
    return numbers


def gauss(count, seed):
    u = uniform(2 * count, seed)
    return [math.sqrt(-2 * math.log(u[i])) * math.cos(2 * math.pi * u[count + i]) or 1e-99 for i in range(count)]


def rotation(n, seed):
    """Rows of an orthogonal matrix: Gram-Schmidt on the columns of normal numbers."""
    g = gauss(n * n, seed)
    b = [[g[j * n + i] for j in range(n)] for i in range(n)]
    for i in range(n):
        for j in range(i):
            product = sum(b[k][i] * b[k][j] for k in range(n))
            for k in range(n):
                b[k][i] -= product * b[k][j]
        length = math.sqrt(sum(b[k][i] ** 2 for k in range(n)))
        for k in range(n):
            b[k][i] /= length
    return b


def shift(n, seed):
    return [8 * math.floor(1e4 * u) / 1e4 - 4 or -1e-5 for u in uniform(n, seed)]


def flat(matrix):
    return [x for row in matrix for x in row]


def product(left, condition, right):
    """left · Λ^condition · right."""
    n = len(left)
    scale = [condition ** (k / (2 * (n - 1))) for k in range(n)]
    return [[sum(left[i][k] * scale[k] * right[k][j] for k in range(n)) for j in range(n)] for i in range(n)]


# ---------------------------------------------------------------- the programs

OSZ = """
def osz(x):
    a = abs(x) if x != 0 else 1
    h = log(a)
    up = exp(h + 0.049*(sin(10*h) + sin(7.9*h)))
    down = -exp(h + 0.049*(sin(5.5*h) + sin(3.1*h)))
    return (up if x > 0 else down) if x != 0 else 0
"""

ASY = """
def asy(x, b, i):
    p = x if x > 0 else 1
    return p**(1 + b*i/(n - 1)*sqrt(p)) if x > 0 else x
"""

PENALTY = """
def outside(x):
    return max(0, abs(x) - 5)**2
"""


def turned(to, matrix, of):
    """Lines that set the vector `to` to matrix · of."""
    return f"""
{to} = zeros(n)
for i in range(n):
    {to}[i] = sum({matrix}[i*n + j]*{of.format(i='j')} for j in range(n))
"""


DIFFERENCE = "(x[{i}] - shift[{i}])"


def instance(function, n):
    """The constants, as vectors by name, and the program of an instance."""
    base = {4: 3, 18: 17}.get(function, function)
    seed = base + 10000 * INSTANCE
    xopt = shift(n, seed)
    first, second = (lambda: rotation(n, seed + 1000000)), (lambda: rotation(n, seed))
    c = {}
    if function == 1:
        c["shift"] = xopt
        return c, "f = sum((x[i] - shift[i])**2 for i in range(n))\n"
    if function == 2:
        c["shift"] = xopt
        return c, OSZ + "\nf = sum(10**(6*i/(n - 1))*osz(x[i] - shift[i])**2 for i in range(n))\n"
    rastrigin = "f = 10*(n - sum(cos(2*pi*z[i]) for i in range(n))) + sum(z[i]**2 for i in range(n))"
    if function == 3:
        c["shift"] = xopt
        return c, OSZ + ASY + f"""
z = zeros(n)
for i in range(n):
    z[i] = 10**(i/(2*(n - 1)))*asy(osz(x[i] - shift[i]), 0.2, i)
{rastrigin}
"""
    if function == 4:
        c["shift"] = [abs(v) if i % 2 == 0 else v for i, v in enumerate(xopt)]
        return c, OSZ + PENALTY + f"""
z = zeros(n)
for i in range(n):
    y = osz(x[i] - shift[i])
    z[i] = 10**(i/(2*(n - 1)))*(10*y if y > 0 and i % 2 == 0 else y)
{rastrigin} + 100*sum(outside(x[i]) for i in range(n))
"""
    if function == 5:
        c["shift"] = [5 if v >= 0 else -5 for v in xopt]
        return c, """
f = 0
for i in range(n):
    s = sign(shift[i])*10**(i/(n - 1))
    z = x[i] if x[i]*shift[i] < 25 else shift[i]
    f += 5*abs(s) - s*z
"""
    if function == 6:
        c["shift"], c["Q"] = xopt, flat(product(first(), 10, second()))
        return c, OSZ + turned("z", "Q", DIFFERENCE) + """
f = osz(sum((100*z[i] if z[i]*shift[i] > 0 else z[i])**2 for i in range(n)))**0.9
"""
    if function == 7:
        c["shift"], c["R"], c["Q"] = xopt, flat(second()), flat(first())
        return c, PENALTY + turned("w", "R", DIFFERENCE) + """
y = zeros(n)
for i in range(n):
    w[i] = 10**(i/(2*(n - 1)))*w[i]
    y[i] = floor(0.5 + w[i]) if abs(w[i]) > 0.5 else floor(0.5 + 10*w[i])/10
""" + turned("z", "Q", "y[{i}]") + """
steps = sum(10**(2*i/(n - 1))*z[i]**2 for i in range(n))
f = 0.1*max(abs(w[0])/1e4, steps) + sum(outside(x[i]) for i in range(n))
"""
    rosenbrock = "f = sum(100*(z[i]**2 - z[i + 1])**2 + (z[i] - 1)**2 for i in range(n - 1))\n"
    if function == 8:
        c["shift"] = [0.75 * v for v in xopt]
        return c, "z = zeros(n)\nfor i in range(n):\n    z[i] = max(1, sqrt(n)/8)*(x[i] - shift[i]) + 1\n" + rosenbrock
    if function == 9:
        c["R"] = flat(second())
        return c, turned("z", "R", "x[{i}]") + "for i in range(n):\n    z[i] = max(1, sqrt(n)/8)*z[i] + 0.5\n" + rosenbrock
    if function in (10, 11):
        c["shift"], c["R"] = xopt, flat(first())
        last = "f = sum(10**(6*i/(n - 1))*osz(z[i])**2 for i in range(n))"
        if function == 11:
            last = "f = 1e6*osz(z[0])**2 + sum(osz(z[i])**2 for i in range(1, n))"
        return c, OSZ + turned("z", "R", DIFFERENCE) + last + "\n"
    if function == 12:
        c["shift"], c["R"] = shift(n, seed + 1000000), flat(first())
        return c, ASY + turned("y", "R", DIFFERENCE) + "for i in range(n):\n    y[i] = asy(y[i], 0.5, i)" + turned(
            "z", "R", "y[{i}]") + "f = z[0]**2 + 1e6*sum(z[i]**2 for i in range(1, n))\n"
    if function == 13:
        c["shift"], c["Q"] = xopt, flat(product(first(), 10, second()))
        return c, turned("z", "Q", DIFFERENCE) + "f = z[0]**2 + 100*sqrt(sum(z[i]**2 for i in range(1, n)))\n"
    if function == 14:
        c["shift"], c["R"] = xopt, flat(first())
        return c, turned("z", "R", DIFFERENCE) + "f = sqrt(sum(abs(z[i])**(2 + 4*i/(n - 1)) for i in range(n)))\n"
    if function == 15:
        c["shift"], c["R"] = xopt, flat(first())
        c["Q"] = flat(product(first(), 10, second()))
        return c, OSZ + ASY + turned("y", "R", DIFFERENCE) + """for i in range(n):
    y[i] = asy(osz(y[i]), 0.2, i)
""" + turned("z", "Q", "y[{i}]") + rastrigin + "\n"
    if function == 16:
        c["shift"], c["R"] = xopt, flat(first())
        c["Q"] = flat(product(first(), 0.01, second()))
        return c, OSZ + PENALTY + turned("y", "R", DIFFERENCE) + """for i in range(n):
    y[i] = osz(y[i])
""" + turned("z", "Q", "y[{i}]") + """
total = 0
for i in range(n):
    total += sum(0.5**k*cos(2*pi*3**k*(z[i] + 0.5)) for k in range(12))
least = sum(0.5**k*cos(pi*3**k) for k in range(12))
f = 10*(total/n - least)**3 + 10/n*sum(outside(x[i]) for i in range(n))
"""
    if function in (17, 18):
        c["shift"], c["R"] = xopt, flat(first())
        condition = 10 if function == 17 else 1000
        q = second()
        c["Q"] = [condition ** (i / (2 * (n - 1))) * v for i, row in enumerate(q) for v in row]
        return c, ASY + PENALTY + turned("y", "R", DIFFERENCE) + """for i in range(n):
    y[i] = asy(y[i], 0.5, i)
""" + turned("z", "Q", "y[{i}]") + """
total = 0
for i in range(n - 1):
    s = z[i]**2 + z[i + 1]**2
    total += s**0.25*(1 + sin(50*s**0.1)**2)
f = (total/(n - 1))**2 + 10*sum(outside(x[i]) for i in range(n))
"""
    if function == 19:
        c["R"] = flat(second())
        return c, turned("z", "R", "x[{i}]") + """for i in range(n):
    z[i] = max(1, sqrt(n)/8)*z[i] + 0.5
total = 0
for i in range(n - 1):
    s = 100*(z[i]**2 - z[i + 1])**2 + (1 - z[i])**2
    total += s/4000 - cos(s)
f = 10 + 10*total/(n - 1)
"""
    if function == 20:
        c["signs"] = [-1 if u < 0.5 else 1 for u in uniform(n, seed)]
        return c, PENALTY + """
best = 4.2096874637
f = 0
last = 0
for i in range(n):
    y = 2*signs[i]*x[i]
    z = y + 0.25*(last - best) if i > 0 else y
    last = y
    z = 100*(10**(i/(2*(n - 1)))*(z - best) + best)
    f += 100*outside(z/100) - z*sin(sqrt(abs(z)))/(100*n)
f += 4.189828872724339
"""
    if function in (21, 22):
        return gallagher(function, n, seed)
    if function == 23:
        c["shift"], c["Q"] = xopt, flat(product(first(), 100, second()))
        return c, PENALTY + turned("z", "Q", DIFFERENCE) + """
f = 1
for i in range(n):
    rough = sum(abs(2**j*z[i] - floor(2**j*z[i] + 0.5))/2**j for j in range(1, 33))
    f *= (1 + (i + 1)*rough)**(10/n**1.2)
f = 10/n**2*(f - 1) + sum(outside(x[i]) for i in range(n))
"""
    signs = [-1 if g < 0 else 1 for g in gauss(n, seed)]
    c["signs"], c["Q"] = signs, flat(product(first(), 100, second()))
    return c, PENALTY + turned("z", "Q", "(2*signs[{i}]*x[{i}] - 2.5)") + """
s = 1 - 1/(2*sqrt(n + 20) - 8.2)
other = -sqrt((2.5**2 - 1)/s)
near = sum((2*signs[i]*x[i] - 2.5)**2 for i in range(n))
far = n + s*sum((2*signs[i]*x[i] - other)**2 for i in range(n))
f = min(near, far) + 10*(n - sum(cos(2*pi*z[i]) for i in range(n))) + 1e4*sum(outside(x[i]) for i in range(n))
"""


def gallagher(function, n, seed):
    peaks, sharpest, b, a = (101, math.sqrt(1000), 10, 5) if function == 21 else (21, 1000, 9.8, 4.9)
    order = lambda numbers: sorted(range(len(numbers)), key=lambda i: numbers[i])
    places = order(uniform(peaks - 1, seed))
    conditions, heights = [sharpest], [10.0]
    for i in range(1, peaks):
        conditions.append(1000 ** (places[i - 1] / (peaks - 2)))
        heights.append((i - 1) / (peaks - 2) * (9.1 - 1.1) + 1.1)
    scales = []
    for i in range(peaks):
        places = order(uniform(n, seed + 1000 * i))
        scales.append([conditions[i] ** (places[j] / (n - 1) - 0.5) for j in range(n)])
    turn, u = rotation(n, seed), uniform(n * peaks, seed)
    where = [[sum(turn[i][k] * (b * u[j * n + k] - a) for k in range(n)) for i in range(n)] for j in range(peaks)]
    where[0] = [0.8 * v for v in where[0]]
    c = {"R": flat(turn), "heights": heights, "places": flat(where), "scales": flat(scales)}
    return c, OSZ + PENALTY + turned("z", "R", "x[{i}]") + f"""
highest = 0
for k in range({peaks}):
    away = sum(scales[k*n + i]*(z[i] - places[k*n + i])**2 for i in range(n))
    highest = max(highest, heights[k]*exp(-away/(2*n)))
f = osz(10 - highest)**2 + sum(outside(x[i]) for i in range(n))
"""


NAMES = """sphere; separable ellipsoid; separable Rastrigin; Bueche-Rastrigin; linear slope; attractive sector;
step ellipsoid; Rosenbrock; rotated Rosenbrock; rotated ellipsoid; discus; bent cigar; sharp ridge; different powers;
rotated Rastrigin; Weierstrass; Schaffer F7, condition 10; Schaffer F7, condition 1000; Griewank-Rosenbrock; Schwefel;
Gallagher, 101 peaks; Gallagher, 21 peaks; Katsuura; Lunacek bi-Rastrigin""".replace("\n", " ").split("; ")

OPTIMIZERS = ["cma_es", "differential_evolution", "genetic", "particle_swarm", "nelder_mead", "lbfgs"]


def stem(function, n):
    return f"f{function:02}_d{n:02}"


def experiment(function, n):
    constants, program = instance(function, n)
    name = NAMES[function - 1]
    lines = [
        f'title     = "BBOB f{function}: {name}, {n} dimensions"',
        'about     = "Instance 1. The minimum is 0: f_opt is left out. Written by benches/peers/bbob.py."',
        'reference = "Hansen, Finck, Ros & Auger, BBOB 2009: noiseless functions definitions, INRIA RR-6829"',
        "",
        "[constants]",
        f"n = {n}",
    ]
    for key, values in constants.items():
        numbers = [repr(float(v)) for v in values]
        rows = [", ".join(numbers[i : i + 5]) for i in range(0, len(numbers), 5)]
        lines += [f"{key} = [{rows[0]}]"] if len(rows) == 1 else [f"{key} = ["] + [f"    {row}," for row in rows] + ["]"]
    lines += ["", "[simulator]", 'kind = "program"', 'outputs.value = "f"', "program = '''", program.strip("\n"), "'''", ""]
    lines += [f'[parameters.x]\nprior = "uniform(-5, 5)"\nsize  = {n}', ""]
    lines += ['[loss]\nkind       = "expression"\nexpression = "predicted"', ""]
    for optimizer in OPTIMIZERS:
        lines += ["[[optimizer]]", f'method = "{optimizer}"']
        lines += ['polish = "lbfgs"'] * (optimizer == "differential_evolution")
        lines += [f"starts = 5"] * (optimizer in ("nelder_mead", "lbfgs")) + [""]
    lines += ["[budget]", f"evaluations = {BUDGET * n}", "target      = 1e-8", "", "[intervals]", "methods = []", ""]
    lines += ["[sweep]", "repeats = 5", "", "[expected]", "loss      = 0", "tolerance = 1e-8"]
    x = optimum(function, n, constants)
    lines += ["x         = [" + ", ".join(map(repr, x)) + "]"] if x else []
    return "\n".join(lines) + "\n"


def optimum(function, n, c):
    """Where the minimum is."""
    if function in (9, 19):
        factor = max(1, math.sqrt(n) / 8)
        return [sum(c["R"][k * n + i] for k in range(n)) * 0.5 / factor for i in range(n)]
    if function == 20:
        return [4.2096874637 / 2 * s for s in c["signs"]]
    if function == 24:
        return [2.5 / 2 * s for s in c["signs"]]
    if function in (21, 22):
        return [sum(c["R"][k * n + i] * c["places"][k] for k in range(n)) for i in range(n)]
    return list(map(float, c["shift"]))


def write():
    folder = ROOT / "experiments/bbob"
    folder.mkdir(parents=True, exist_ok=True)
    for function in range(1, 25):
        for n in DIMENSIONS:
            (folder / f"{stem(function, n)}.toml").write_text(experiment(function, n))


def run(function, n, x):
    """The value of a program, run as Python."""
    constants, program = instance(function, n)
    scope = {name: getattr(math, name) for name in "exp log sin cos sqrt floor pi".split()}
    scope.update(constants, n=n, x=x, zeros=lambda k: [0.0] * k, sign=lambda v: (v > 0) - (v < 0))
    exec(program, scope)
    return scope["f"]


def points(function, n):
    """The optimum, the origin, and places inside the box and a little outside."""
    constants, _ = instance(function, n)
    drawn = [[11 * v - 5.5 for v in uniform(n, 7919 * function + 31 * n + k)] for k in range(3)]
    return [optimum(function, n, constants), [0.0] * n] + drawn


def coco(function, n):
    """COCO's own problem, and its f_opt."""
    import cocoex

    suite = cocoex.Suite("bbob", f"instances: {INSTANCE}", f"dimensions: {n} function_indices: {function}")
    problem = next(iter(suite))
    seed = {4: 3, 18: 17}.get(function, function) + 10000 * INSTANCE
    ratio = gauss(1, seed)[0] / gauss(1, seed + 1)[0]
    return problem, min(1000, max(-1000, math.floor(10000 * ratio + 0.5) / 100))


def reference():
    with open(ROOT / "data/bbob/reference.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["function", "dimension", "value"] + [f"x{i}" for i in range(max(DIMENSIONS))])
        for function in range(1, 25):
            for n in DIMENSIONS:
                problem, least = coco(function, n)
                for x in points(function, n):
                    padded = [repr(float(v)) for v in x] + [""] * (max(DIMENSIONS) - n)
                    out.writerow([function, n, repr(float(problem(x)) - least)] + padded)


def check():
    for function in range(1, 25):
        for n in DIMENSIONS:
            problem, least = coco(function, n)
            for x in points(function, n):
                theirs, ours = problem(x) - least, run(function, n, x)
                if not abs(ours - theirs) <= 1e-8 * abs(theirs) + 1e-6 * (1e-4 + abs(least) * 1e-9):
                    print(f"f{function}, {n}-D: {ours!r}, COCO {theirs!r}")


if __name__ == "__main__":
    {"--check": check, "--reference": reference}.get(sys.argv[1] if len(sys.argv) > 1 else "", write)()
