#!/usr/bin/env python3
"""Our population methods beside their best known Python counterparts, on the BBOB functions.

    cargo build --release && python3 benches/peers/optimizers.py [REPEATS [DIMENSION …]]

Makes a virtual environment in target/peers with cma, scipy, pymoo and COCO's functions (coco-experiment), which are ours
to the last digits (bbob.py --check). Ours run from experiments/bbob as they are shipped; the same functions, instance,
number of runs, budget of 1000 evaluations per dimension and box for all. Written: benches/peers/optimizers.csv, one row
per pair, function and dimension, and the summary on the screen. What the peers did is kept in target/peers/peers.json, and
not done again. SBI_RUN names another binary of ours.

A row compares at the finest power of ten that either reached in any run: ERT is the expected running time to it in
evaluations (those of all runs, over the runs that reached it).
"""

import csv
import json
import math
import os
import pathlib
import random
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / "target/peers"
NEEDS = ["cma", "scipy", "pymoo", "coco-experiment", "numpy"]
DIMENSIONS = [2, 5, 10]
PRECISIONS = [10.0 ** k for k in range(1, -9, -1)]
PAIRS = {"cma_es": "pycma", "differential_evolution": "scipy", "genetic": "pymoo"}
GROUPS = {"separable": range(1, 6), "moderate": range(6, 10), "ill-conditioned": range(10, 15),
          "multimodal": range(15, 20), "weakly structured": range(20, 25)}


def in_environment():
    python = HOME / "venv/bin/python"
    if pathlib.Path(sys.prefix).resolve() == (HOME / "venv").resolve():
        return
    if not python.exists():
        HOME.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", HOME / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *NEEDS], check=True)
    sys.exit(subprocess.run([python, *sys.argv]).returncode)


class Done(Exception):
    pass


class Counted:
    """A function that notes when each precision is first reached, and ends the run."""

    def __init__(self, problem, least, budget):
        self.problem, self.least, self.budget = problem, least, budget
        self.count, self.hits = 0, {}

    def __call__(self, x):
        if self.count >= self.budget:
            raise Done
        self.count += 1
        value = self.problem(x) - self.least
        for precision in PRECISIONS:
            if value <= precision:
                self.hits.setdefault(precision, self.count)
        if value <= PRECISIONS[-1]:
            raise Done
        return value


def pycma(f, n, seed):
    import cma

    start = [random.Random(seed).uniform(-5, 5) for _ in range(n)] if seed else [0.0] * n
    options = {"seed": seed + 1, "verbose": -9, "maxfevals": f.budget}
    while True:
        cma.fmin(f, start, 3.0, options, restarts=9, bipop=True)


def scipy(f, n, seed):
    from scipy.optimize import differential_evolution

    while True:  # once it has converged, it begins again
        differential_evolution(f, [(-5, 5)] * n, rng=seed, maxiter=10**6)
        seed += 1000


def pymoo(f, n, seed):
    import numpy
    from pymoo.algorithms.soo.nonconvex.ga import GA
    from pymoo.core.problem import ElementwiseProblem
    from pymoo.optimize import minimize

    class Problem(ElementwiseProblem):
        def __init__(self):
            super().__init__(n_var=n, n_obj=1, xl=numpy.full(n, -5.0), xu=numpy.full(n, 5.0))

        def _evaluate(self, x, out):
            out["F"] = f(x)

    minimize(Problem(), GA(), ("n_eval", f.budget + 1), seed=seed + 1, verbose=False)


def theirs(peer, function, n, repeats, budget):
    """(evaluations, hits) of each run."""
    import bbob

    kept = HOME / "peers.json"
    known = json.loads(kept.read_text()) if kept.exists() else {}
    name = f"{peer} {function} {n} {budget}"
    runs = known.get(name, [])
    problem, least = bbob.coco(function, n)
    for seed in range(len(runs), repeats):
        f = Counted(problem, least, budget)
        try:
            globals()[peer](f, n, seed)
        except Done:
            pass
        runs.append((f.count, {str(precision): count for precision, count in f.hits.items()}))
        kept.write_text(json.dumps(known | {name: runs}))
    return runs[:repeats]


def ours(repeats, dimensions):
    """{(optimizer, function, dimension): {precision: (reached, ERT)}}."""
    files = [f"experiments/bbob/f{i:02}_d{n:02}.toml" for i in range(1, 25) for n in dimensions]
    out = HOME / "results"
    # SciPy's polishes with L-BFGS-B by default.
    polish = {"differential_evolution": ', polish = "lbfgs"'}
    optimizers = "[" + ", ".join(f'{{ method = "{name}"{polish.get(name, "")} }}' for name in PAIRS) + "]"
    command = [os.environ.get("SBI_RUN", ROOT / "target/release/sbi-run"), *files, "--out", out, "--fresh", "--quiet"]
    command += ["--set", f"optimizer={optimizers}", "--set", f"sweep.repeats={repeats}"]
    subprocess.run(command, cwd=ROOT, check=True)
    found = {}
    for i in range(1, 25):
        for n in dimensions:
            with open(out / f"f{i:02}_d{n:02}/targets.csv", newline="") as file:
                for row in csv.DictReader(file):
                    key = (row["optimizer"], i, n)
                    reached, ert = int(row["reached"]), float(row["evaluations_to_target"])
                    nearest = min(PRECISIONS, key=lambda p: abs(math.log10(p / float(row["precision"]))))
                    found.setdefault(key, {})[nearest] = (reached, ert)
    return found


def main():
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    dimensions = [int(n) for n in sys.argv[2:]] or DIMENSIONS
    for n in dimensions:
        for peer in PAIRS.values():
            for i in range(1, 25):
                theirs(peer, i, n, repeats, 1000 * n)
    mine = ours(repeats, dimensions)
    rows = []
    for own, peer in PAIRS.items():
        for n in dimensions:
            for i in range(1, 25):
                runs = theirs(peer, i, n, repeats, 1000 * n)
                spent = lambda p: sum(hits.get(str(p), count) for count, hits in runs)
                other = {p: sum(str(p) in hits for _, hits in runs) for p in PRECISIONS}
                here = mine[own, i, n]
                reached = [p for p in PRECISIONS if other[p] or here.get(p, (0, 0))[0]]
                finest = reached[-1] if reached else PRECISIONS[0]
                count, ert = here.get(finest, (0, math.inf))
                their_ert = spent(finest) / other[finest] if other[finest] else math.inf
                rows.append([own, peer, i, n, finest, repeats, count, other[finest], ert, their_ert])
    with open(ROOT / "benches/peers/optimizers.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow("optimizer,peer,function,dimension,precision,runs,reached,peer_reached,ert,peer_ert".split(","))
        out.writerows(rows)
    summary(rows)


def summary(rows):
    print("| optimizer | peer | dimension | median ERT ratio | reached, of | peer reached | better, worse on functions |")
    print("|---|---|---|---|---|---|---|")
    for own, peer in PAIRS.items():
        for n in sorted({row[3] for row in rows}) + [None]:
            part = [r for r in rows if r[0] == own and n in (None, r[3])]
            if not part:
                continue
            ratio = lambda r: 1.0 if r[8] == r[9] else r[8] / r[9] if r[9] else math.inf
            ratios = [0.0 if math.isinf(r[9]) and not math.isinf(r[8]) else ratio(r) for r in part]
            print(f"| `{own}` | {peer} | {n or 'all'} | {statistics.median(ratios):.2f} | {sum(r[6] for r in part)}, "
                  f"{sum(r[5] for r in part)} | {sum(r[7] for r in part)} | {sum(x < 1 for x in ratios)}, "
                  f"{sum(x > 1 for x in ratios)} |")
    print("\n| optimizer | group | reached | peer reached | of |\n|---|---|---|---|---|")
    for own in PAIRS:
        for group, functions in GROUPS.items():
            part = [r for r in rows if r[0] == own and r[2] in functions]
            print(f"| `{own}` | {group} | {sum(r[6] for r in part)} | {sum(r[7] for r in part)} | {sum(r[5] for r in part)} |")


if __name__ == "__main__":
    in_environment()
    main()
