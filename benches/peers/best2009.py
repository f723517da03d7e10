#!/usr/bin/env python3
"""Expected running times on the BBOB functions beside the best of the 31 algorithms of 2009 (data/bbob/best2009.csv).

    sbi-run experiments/bbob/*.toml && python3 benches/peers/best2009.py [RESULTS] > table.csv

Per function, dimension and precision: the best ERT of 2009 and its algorithm, then each optimizer's ERT in evaluations as
`targets.csv` has it (a gradient by reverse mode counts as one), and its ratio. On the screen: per optimizer and dimension
how many functions it solved to 1e-8, and the median ratio over those.

The official instances were 1 to 5, three runs each; ours is instance 1. Factor 2 is noise, factor 10 a finding.
"""

import csv
import math
import pathlib
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    results = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "results")
    best = {}
    with open(ROOT / "data/bbob/best2009.csv", newline="") as file:
        for row in csv.DictReader(file):
            key = (int(row["function"]), int(row["dimension"]), float(row["precision"]))
            best[key] = (float(row["ert"] or "inf"), row["algorithm"])
    found, names = {}, []
    for path in sorted(results.glob("f[0-9][0-9]_d[0-9][0-9]/targets.csv")):
        function, n = int(path.parent.name[1:3]), int(path.parent.name[5:7])
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                name = " ".join(filter(None, [row["optimizer"], row["differentiation"]]))
                names += [name] * (name not in names)
                precision = round(math.log10(float(row["precision"])))
                found[name, function, n, precision] = float(row["evaluations_to_target"])
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["function", "dimension", "precision", "best2009", "algorithm"]
                 + [part for name in names for part in (name, f"{name} ratio")])
    for (function, n, precision), (ert, algorithm) in sorted(best.items(), key=lambda item: (*item[0][:2], -item[0][2])):
        ours = [found.get((name, function, n, round(math.log10(precision)))) for name in names]
        if any(x is not None for x in ours):
            cells = [cell for x in ours for cell in (("", "") if x is None else (x, f"{x / ert:.2f}"))]
            out.writerow([function, n, precision, ert, algorithm, *cells])
    for n in sorted({key[2] for key in found}):
        for name in names:
            here = {f: found.get((name, f, n, -8), math.inf) for f in range(1, 25)}
            ratios = [x / best[f, n, 1e-8][0] for f, x in here.items() if math.isfinite(x)]
            middle = f", median {statistics.median(ratios):.1f} times the best of 2009" if ratios else ""
            print(f"{n}-D {name}: {len(ratios)} of 24 to 1e-8{middle}", file=sys.stderr)


if __name__ == "__main__":
    main()
