"""Times one formulation of one problem in one peer, in a process of its own; prints a line of JSON.

usage: worker.py DATA_DIRECTORY PROBLEM METHOD SECONDS

The problems are those of benches/engine/problems.rs, whose `--data` wrote DATA_DIRECTORY: rows, columns, points and our
reverse gradient, with which the peer's is compared before anything is timed.
"""
import json
import os
import statistics
import sys
import time

import numpy as np

STEPS, STEP, GAUSSIANS = 200, 0.05, 10


def read(directory, name):
    numbers = np.fromfile(os.path.join(directory, name + ".f64"), dtype="<f8")
    rows, columns, points, inputs = (int(x) for x in numbers[:4])
    at = 4
    data = numbers[at : at + columns * rows].reshape(columns, rows)
    at += columns * rows
    point = numbers[at : at + points * inputs].reshape(points, inputs)
    exact = numbers[at + points * inputs :].reshape(points, inputs + 1)
    return data, point, exact


def kind(name):
    """The model, and whether there are many points at once."""
    if name.startswith("gmm"):
        return "gmm", False
    return {"ab": ("a", True), "c16": ("c", True)}.get(name, (name[0], False))


def sizes(name):
    """Dimension and components of a mixture."""
    words = name.split("_")
    return int(words[2][1:]), int(words[3][1:])


def rate(p, u, v):
    return p[0] * u - p[1] * u * v, p[3] * u * v - p[2] * v


def runge_kutta(p, u, v):
    h = STEP
    u1, v1 = rate(p, u, v)
    u2, v2 = rate(p, u + 0.5 * h * u1, v + 0.5 * h * v1)
    u3, v3 = rate(p, u + 0.5 * h * u2, v + 0.5 * h * v2)
    u4, v4 = rate(p, u + h * u3, v + h * v3)
    return u + h / 6 * (u1 + 2 * u2 + 2 * u3 + u4), v + h / 6 * (v1 + 2 * v2 + 2 * v3 + v4)


def mixture(xp, p, x, d, k, place):
    """The log-likelihood as ADBench writes it; `place` fills the lower triangles."""
    alpha, means, factors = p[:k], p[k : k + k * d].reshape(k, d), p[k + k * d :].reshape(k, -1)
    logs = factors[:, :d]
    q = place(xp, xp.exp(logs), factors[:, d:], d)
    centred = x.T[:, None, :] - means[None, :, :]
    image = xp.einsum("kij,nkj->nki", q, centred)
    terms = alpha + logs.sum(1) - 0.5 * (image * image).sum(2)

    def log_sum_exp(t, axis):
        most = t.max(axis=axis, keepdims=True)
        return most.squeeze(axis) + xp.log(xp.exp(t - most).sum(axis))

    n = x.shape[1]
    return log_sum_exp(terms, 1).sum() - n * log_sum_exp(alpha, 0) - 0.5 * n * d * np.log(2 * np.pi)


def triangle(d):
    """Rows and columns below the diagonal, by columns."""
    pairs = [(i, j) for j in range(d) for i in range(j + 1, d)]
    return np.array([i for i, _ in pairs], int), np.array([j for _, j in pairs], int)


def numpy_place(xp, diagonal, below, d):
    q = np.zeros((len(diagonal), d, d))
    i, j = triangle(d)
    q[:, i, j] = below
    q[:, range(d), range(d)] = diagonal
    return q


def numpy_loss(name, data):
    model, _ = kind(name)
    if model == "a":
        t, y = data
        return lambda p: (lambda r: r @ r)(y - p[0] * np.exp(-p[1] * t))
    if model == "b":
        x, y = data

        def gaussians(p):
            m = np.zeros_like(x)
            for j in range(GAUSSIANS):
                z = (x - p[GAUSSIANS + j]) / p[2 * GAUSSIANS + j]
                m += p[j] * np.exp(-0.5 * z * z)
            r = y - m
            return r @ r

        return gaussians
    if model == "c":
        ou, ov = (column.tolist() for column in data)

        def trajectory(p):
            p = p.tolist()
            u, v, s = 1.0, 1.0, 0.0
            for i in range(STEPS):
                u, v = runge_kutta(p, u, v)
                s += (u - ou[i]) ** 2 + (v - ov[i]) ** 2
            return s

        return trajectory
    if model == "d":

        def iterate(p):
            l = float(p[0])
            for _ in range(20):
                l = 4 * l * (1 - l)
            return l

        return iterate
    d, k = sizes(name)
    return lambda p: mixture(np, p, data, d, k, numpy_place)


def numpy_differences(name, data, points):
    f = numpy_loss(name, data)
    if points.size > 3000 or points.shape[1] > 200:
        return None

    def gradient():
        out = np.empty((len(points), points.shape[1] + 1))
        for point, line in zip(points, out):
            line[0] = f(point)
            for j in range(len(point)):
                h = 1.5e-8 * max(1.0, abs(point[j]))
                moved = point.copy()
                moved[j] += h
                line[j + 1] = (f(moved) - line[0]) / h
        return out

    return gradient


def jax_gradient(name, data, points, forward, layout):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    model, many = kind(name)
    if (layout != "kn" and model != "b") or (forward and points.shape[1] > 200):
        return None
    if model == "a":

        def f(p, data):
            r = data[1] - p[0] * jnp.exp(-p[1] * data[0])
            return (r * r).sum()

    elif model == "b":

        def f(p, data):
            x, y = data[0], data[1]
            a, m, w = p[:GAUSSIANS], p[GAUSSIANS : 2 * GAUSSIANS], p[2 * GAUSSIANS :]
            if layout == "kn":
                z = (x[None, :] - m[:, None]) / w[:, None]
                r = y - a @ jnp.exp(-0.5 * z * z)
            elif layout == "nk":
                z = (x[:, None] - m) / w
                r = y - (a * jnp.exp(-0.5 * z * z)).sum(1)
            else:
                r = y
                for j in range(GAUSSIANS):
                    z = (x - m[j]) / w[j]
                    r = r - a[j] * jnp.exp(-0.5 * z * z)
            return (r * r).sum()

    elif model == "c":

        def f(p, data):
            def body(carry, seen):
                u, v = runge_kutta(p, carry[0], carry[1])
                return (u, v, carry[2] + (u - seen[0]) ** 2 + (v - seen[1]) ** 2), None

            one = jnp.float64(1.0)
            return jax.lax.scan(body, (one, one, jnp.float64(0.0)), data.T)[0][2]

    elif model == "d":

        def f(p, data):
            return jax.lax.scan(lambda l, _: (4 * l * (1 - l), None), p[0], None, length=20)[0]

    else:
        d, k = sizes(name)
        i, j = triangle(d)

        def place(xp, diagonal, below, d):
            q = jnp.zeros((k, d, d)).at[:, i, j].set(below)
            return q.at[:, jnp.arange(d), jnp.arange(d)].set(diagonal)

        def f(p, data):
            return mixture(jnp, p, data, d, k, place)

    if forward:

        def both(p, data):
            return f(p, data), jax.jacfwd(f)(p, data)

    else:
        both = jax.value_and_grad(f)
    if many:
        both = jax.vmap(both, in_axes=(0, None))
    compiled = jax.jit(both)
    p, columns = jnp.asarray(points if many else points[0]), jnp.asarray(data)

    def gradient():
        value, slopes = compiled(p, columns)
        slopes.block_until_ready()
        return value, slopes

    return gradient


def casadi_gradient(name, data, points, sort):
    import casadi as ca

    model, many = kind(name)
    symbol = getattr(ca, sort)
    n = points.shape[1]
    # Graphs of millions of nodes, or mixtures of which each row is a graph, take minutes to build.
    if model == "gmm" or (sort == "SX" and data.size > 30_000) or (many and sort == "MX"):
        return None
    if model == "a":
        t, y = data
        p = symbol.sym("p", n)
        loss = ca.sumsqr(y - p[0] * ca.exp(-p[1] * t))
    elif model == "b":
        x, y = data
        p = symbol.sym("p", n)
        m = 0
        for j in range(GAUSSIANS):
            z = (x - p[GAUSSIANS + j]) / p[2 * GAUSSIANS + j]
            m = m + p[j] * ca.exp(-0.5 * z * z)
        loss = ca.sumsqr(y - m)
    elif model == "c":
        p = symbol.sym("p", n)
        if sort == "MX":
            q, s = ca.SX.sym("q", n), ca.SX.sym("s", 2)
            parameters = [q[k] for k in range(n)]
            step = ca.Function("step", [s, q], [ca.vertcat(*runge_kutta(parameters, s[0], s[1]))])
            states = step.mapaccum("all", STEPS)(ca.DM.ones(2), ca.repmat(p, 1, STEPS))
            loss = ca.sumsqr(states - data)
        else:
            u, v, loss = 1.0, 1.0, 0.0
            parameters = [p[k] for k in range(n)]
            for i in range(STEPS):
                u, v = runge_kutta(parameters, u, v)
                loss = loss + (u - data[0, i]) ** 2 + (v - data[1, i]) ** 2
    else:
        p = symbol.sym("p", n)
        loss = p[0]
        for _ in range(20):
            loss = 4 * loss * (1 - loss)
    function = ca.Function("f", [p], [loss, ca.gradient(loss, p)])
    if many:
        function = function.map(len(points))
    buffer, evaluate = function.buffer()
    argument = np.ascontiguousarray(points).ravel().copy()
    value, slopes = np.zeros(len(points)), np.zeros(points.size)
    buffer.set_arg(0, memoryview(argument))
    buffer.set_res(0, memoryview(value))
    buffer.set_res(1, memoryview(slopes))

    def gradient():
        evaluate()
        return value, slopes

    gradient.buffers = (buffer, argument, function)
    return gradient


METHODS = {
    "numpy_differences": numpy_differences,
    "jax_reverse": lambda *problem: jax_gradient(*problem, False, "kn"),
    "jax_reverse_nk": lambda *problem: jax_gradient(*problem, False, "nk"),
    "jax_reverse_loop": lambda *problem: jax_gradient(*problem, False, "loop"),
    "jax_forward": lambda *problem: jax_gradient(*problem, True, "kn"),
    "casadi_sx": lambda *problem: casadi_gradient(*problem, "SX"),
    "casadi_mx": lambda *problem: casadi_gradient(*problem, "MX"),
}


def flat(result, shape):
    if isinstance(result, tuple):
        value, slopes = (np.asarray(part, float) for part in result)
        return np.concatenate([value.reshape(-1, 1), slopes.reshape(shape[0], -1)], axis=1)
    return result


def main():
    directory, name, method, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
    data, points, exact = read(directory, name)
    before = time.perf_counter()
    gradient = METHODS[method](name, data, points)
    if gradient is None:
        print(json.dumps({"problem": name, "method": method, "skipped": True}))
        return
    found = flat(gradient(), points.shape)
    first = time.perf_counter() - before
    error = float(np.max(np.abs(found - exact)) / np.max(np.abs(exact)))
    # The twentieth iterate of the chaotic map has no correct digit by differences.
    if name != "d" and error > (1e-3 if method == "numpy_differences" else 1e-8):
        sys.exit(f"the gradient is away by {error:.1e} of its largest component")
    start = time.perf_counter()
    gradient()
    once = time.perf_counter() - start
    repeats = max(1, min(20_000, int(0.01 / max(once, 1e-7))))
    samples, end = [], time.perf_counter() + seconds
    while len(samples) < 5 or (time.perf_counter() < end and len(samples) < 200):
        start = time.perf_counter()
        for _ in range(repeats):
            gradient()
        samples.append((time.perf_counter() - start) / repeats)
    line = {"least_us": min(samples) * 1e6, "median_us": statistics.median(samples) * 1e6, "first_ms": first * 1e3}
    print(json.dumps({"problem": name, "method": method, "error": error, **line}))


main()
