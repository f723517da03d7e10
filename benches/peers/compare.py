#!/usr/bin/env python3
"""Runs the problems of benches/engine and the same ones through JAX, CasADi and NumPy, on one core, in one run.

usage: compare.py [--core N] [--seconds S] [--out DIRECTORY] [--only WORD,WORD]

Makes two virtual environments below target/peers (JAX 0.4.31, fastest on small programs, and the newest one), builds
our bench, and measures problem by problem: ours, every peer, and ours again, so that a busy stretch of the machine meets
all alike. Writes peers.csv and peers.md: least microseconds of loss and gradient, and the ratios of the best peer to ours.
"""
import argparse
import csv
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PEERS = {
    "numpy": ("new", ["numpy_differences"]),
    "jax_new": ("new", ["jax_reverse", "jax_reverse_nk", "jax_reverse_loop", "jax_forward"]),
    "jax_0.4.31": ("old", ["jax_reverse", "jax_reverse_nk", "jax_reverse_loop", "jax_forward"]),
    "casadi": ("new", ["casadi_sx", "casadi_mx"]),
}
PACKAGES = {"new": ["numpy", "jax", "casadi"], "old": ["numpy", "jax==0.4.31", "jaxlib==0.4.31"]}
PROBLEMS = ["a_16", "a_1e3", "a_1e6", "ab", "b", "c", "c16", "d"]
PROBLEMS += ["gmm_1e3_d2_k5", "gmm_1e4_d2_k25", "gmm_1e3_d10_k5", "gmm_1e3_d10_k25"]
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


def environments(directory):
    """The interpreters; made at the first run."""
    pythons = {}
    for name, packages in PACKAGES.items():
        place = os.path.join(directory, name)
        pythons[name] = os.path.join(place, "bin", "python")
        ready = os.path.join(place, "ready")
        if not os.path.exists(ready):
            subprocess.run([sys.executable, "-m", "venv", place], check=True)
            subprocess.run([pythons[name], "-m", "pip", "install", "--quiet", *packages], check=True)
            open(ready, "w").close()
    return pythons


def bench():
    """The executable of our bench."""
    built = subprocess.run(
        ["cargo", "bench", "--bench", "engine", "--no-run", "--message-format", "json"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    )
    lines = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
    # The program itself is built for the bench too.
    return next(line["executable"] for line in lines if line.get("executable") and "bench" in line["target"]["kind"])


def three(x):
    return "–" if x is None else f"{x:.0f}" if x >= 100 else f"{x:.3g}"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--core", default="1")
    arguments.add_argument("--seconds", default="1")
    arguments.add_argument("--out", default=os.path.join(ROOT, "target", "peers"))
    arguments.add_argument("--only", default="")
    options = arguments.parse_args()
    directory = os.path.join(ROOT, "target", "peers")
    os.makedirs(directory, exist_ok=True)
    os.makedirs(options.out, exist_ok=True)
    pythons, engine, pinned = environments(directory), bench(), ["taskset", "-c", options.core]
    subprocess.run([engine, "--data", directory], check=True)
    words = options.only.split(",") if options.only else PROBLEMS
    lines = []
    for problem in [problem for problem in PROBLEMS if problem in words]:
        before = ours(engine, pinned, directory, problem)
        for peer, (version, methods) in PEERS.items():
            for method in methods:
                command = [*pinned, pythons[version], os.path.join(HERE, "worker.py")]
                try:
                    done = subprocess.run(
                        [*command, directory, problem, method, options.seconds],
                        env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, timeout=240,
                    )
                except subprocess.TimeoutExpired:
                    print(f"{problem:16} {peer:10} {method:18} no result in 240 s", flush=True)
                    continue
                if done.returncode != 0:
                    why = (done.stderr.strip().splitlines() or ["killed"])[-1]
                    print(f"{problem:16} {peer:10} {method:18} {why}", flush=True)
                    continue
                line = json.loads(done.stdout.splitlines()[-1])
                if line.get("skipped"):
                    continue
                print(f"{problem:16} {peer:10} {method:18} {line['least_us']:12.2f} us", flush=True)
                lines.append((problem, peer, method, line["least_us"], line["median_us"], line["first_ms"]))
        for method, least, median in before + ours(engine, pinned, directory, problem):
            lines.append((problem, "ours", method, least, median, None))
    with open(os.path.join(options.out, "peers.csv"), "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["problem", "tool", "method", "least_us", "median_us", "first_call_ms"])
        for problem, tool, method, least, median, first in lines:
            table.writerow([problem, tool, method, f"{least:.3f}", f"{median:.3f}", "" if first is None else f"{first:.1f}"])
    text = markdown(lines, versions(pythons))
    with open(os.path.join(options.out, "peers.md"), "w", encoding="utf-8") as file:
        file.write(text)
    print(text, end="")


def ours(engine, pinned, directory, problem):
    """Method, least and middle microseconds of each line of our bench."""
    out = os.path.join(directory, "ours")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([*pinned, engine, problem, "--out", out], check=True, **quiet)
    with open(os.path.join(out, "engine.csv"), encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert all(line["problem"] == problem for line in lines), lines
    return [(line["method"], float(line["least_us"]), float(line["median_us"])) for line in lines]


def versions(pythons):
    """What was measured, in a sentence."""
    found = []
    for name, packages in [("new", ["numpy", "casadi", "jax"]), ("old", ["jax"])]:
        script = "import importlib.metadata as m, sys; print(*[p + ' ' + m.version(p) for p in sys.argv[1:]], sep=', ')"
        done = subprocess.run([pythons[name], "-c", script, *packages], check=True, stdout=subprocess.PIPE, text=True)
        found.append(done.stdout.strip())
    return "Least microseconds of loss and gradient on one core; " + ", ".join(found) + ".\n\n"


def markdown(lines, head):
    """A line for each problem: the best formulation of each tool, and the ratios that have goals."""
    columns = ["numpy", "JAX new", "JAX 0.4.31", "CasADi", "ours", "by hand"]
    columns += ["best JAX / ours", "ours / by hand", "reverse / value"]
    text = head + "| problem | " + " | ".join(columns) + " |\n|---|" + "--:|" * len(columns) + "\n"
    for problem in PROBLEMS:

        def least(tool, *methods):
            return min((line[3] for line in lines if line[:2] == (problem, tool) and line[2] in methods), default=None)

        def ratio(above, below):
            return above / below if above and below else None

        mine = least("ours", "complex_step", "symbolic", "forward", "reverse")
        if mine is None:
            continue
        native, peers = least("ours", "native"), [least(peer, *methods) for peer, (_, methods) in PEERS.items()]
        jax = min([x for x in peers[1:3] if x is not None], default=None)
        reverse = ratio(least("ours", "reverse"), least("ours", "value"))
        cells = [*peers, mine, native, ratio(jax, mine), ratio(mine, native), reverse]
        text += f"| {problem} | " + " | ".join(three(cell) for cell in cells) + " |\n"
    return text


main()
