"""Runs the programs of a JSON object on standard input, at every point and every row of the data.

Answers a list for each program, of the value of `y` at each point and row: `[hexadecimal, spread]`, or the name of the
exception that Python raised. The spread is how far the value moves where the elementary functions are perturbed by up
to 2^-50 of their value, 8 times, and 2^-50 of the value at least: what a value can be compared to where libraries round
differently. Without such functions it is 0.
"""
import ast, json, math, random, struct, sys

PERTURBED = [name for name in (
    'exp expm1 log log1p log2 log10 cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc gamma lgamma '
    'atan2 hypot').split()]
RELATIVE = 0.0
USED = False


def rounded(value):
    """Not as it is: as another library might have rounded it."""
    global USED
    USED = True
    if isinstance(value, complex):
        raise ValueError('a complex number')
    return value if RELATIVE == 0.0 else value * (1.0 + random.choice([-1.0, 1.0]) * RELATIVE)


def perturbed(function):
    return lambda *arguments: rounded(function(*arguments))


def add_up(values):
    """The sum from left to right; since version 3.12 the built-in one carries a correction for rounding."""
    total = 0
    for value in values:
        total = total + value
    return total


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def cbrt(x):
    return math.copysign(abs(x) ** (1 / 3), x)


NAMES = {name: perturbed(getattr(math, name, None) or globals()[name]) for name in PERTURBED}
NAMES |= {name: getattr(math, name) for name in 'floor ceil sqrt pi e tau inf nan prod'.split()}
NAMES |= {
    'sum': add_up,
    'zeros': lambda n: [0.0] * n,
    'at_most': lambda n: None,
    'sign': lambda x: (x > 0) - (x < 0),
    'sigmoid': perturbed(sigmoid),
    'softplus': perturbed(lambda x: math.log1p(math.exp(-abs(x))) + max(x, 0)),
    'pow': lambda x, y: rounded(x ** y),
    '_power': lambda x, y: rounded(x ** y),
}


class Powers(ast.NodeTransformer):
    """Powers go through the library as well."""

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow):
            return node
        return ast.Call(ast.Name('_power', ast.Load()), [node.left, node.right], [])


def value(code, names):
    names = dict(NAMES, **names)
    exec(code, names)
    return float(names['y'])


def answer(code, names, vector):
    global RELATIVE, USED
    RELATIVE, USED = 0.0, False
    try:
        middle = value(code, dict(names, p=list(vector)))
    except Exception as fault:
        return type(fault).__name__
    spread = 0.0
    if USED and math.isfinite(middle):
        RELATIVE = 2.0 ** -50
        spread = RELATIVE * abs(middle)
        random.seed(1)
        for _ in range(8):
            try:
                spread = max(spread, abs(value(code, dict(names, p=list(vector))) - middle))
            except Exception:
                spread = math.inf
    return [struct.pack('>d', middle).hex(), str(spread)]


work = json.load(sys.stdin)
answers = []
for text in work['programs']:
    code = compile(ast.fix_missing_locations(Powers().visit(ast.parse(text))), 'program', 'exec')
    answers.append([
        answer(code, dict(zip('abctu', point[:3] + row)), point[3:])
        for point in work['points'] for row in work['rows']
    ])
print(json.dumps(answers))
