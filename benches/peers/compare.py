#!/usr/bin/env python3
"""Runs the problems of benches/engine and the same ones through JAX, CasADi and NumPy, on one core, in one run.

usage: compare.py [--core N] [--seconds S] [--out DIRECTORY] [--only WORD,WORD]

Makes two virtual environments below target/peers (JAX 0.4.31, fastest on small programs, and the newest one), builds
our bench, and alternates peers and ours problem by problem. Writes peers.csv and peers.md: least microseconds of loss
and gradient, and the ratios of the best peer to ours.
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
    return [line["executable"] for line in lines if line.get("executable")][-1]


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
        ours = os.path.join(directory, "ours")
        subprocess.run(
            [*pinned, engine, problem, "--out", ours],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        with open(os.path.join(ours, "engine.csv"), encoding="utf-8") as file:
            for line in csv.DictReader(file):
                lines.append((problem, "ours", line["method"], float(line["least_us"]), float(line["median_us"]), None))
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
    with open(os.path.join(options.out, "peers.csv"), "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["problem", "tool", "method", "least_us", "median_us", "first_call_ms"])
        for problem, tool, method, least, median, first in lines:
            table.writerow([problem, tool, method, f"{least:.3f}", f"{median:.3f}", "" if first is None else f"{first:.1f}"])
    text = "| problem | numpy | JAX new | JAX 0.4.31 | CasADi | ours | by hand | best JAX / ours | ours / by hand |\n"
    text += "|---|--:|--:|--:|--:|--:|--:|--:|--:|\n"
    for problem in PROBLEMS:
        def best(tool, skip=("native", "value")):
            found = [line[3] for line in lines if line[0] == problem and line[1] == tool and line[2] not in skip]
            return min(found, default=None)

        ours = best("ours")
        if ours is None:
            continue
        native = [line[3] for line in lines if line[0] == problem and line[1] == "ours" and line[2] == "native"]
        jax = min([x for x in (best("jax_new"), best("jax_0.4.31")) if x is not None], default=None)
        cells = [best(peer) for peer in PEERS] + [ours, native[0] if native else None]
        cells += [jax / ours if jax else None, ours / native[0] if native else None]
        text += f"| {problem} | " + " | ".join(three(cell) for cell in cells) + " |\n"
    with open(os.path.join(options.out, "peers.md"), "w", encoding="utf-8") as file:
        file.write(text)
    print(text, end="")


main()
