#!/usr/bin/env bash
# Time, memory and bytes of sweeps of ten thousand to a million runs, as the table of docs/sweeps.md has them.
#
#     benches/sweeps.sh [PROGRAM] [RUNS ...]
#
# Needs GNU time. The first argument is the program, by default target/release/sbi-run; the others are numbers of runs.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$(realpath "${1:-$root/target/release/sbi-run}")
shift || true
[ $# -gt 0 ] || set -- 10000 100000 1000000
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# 16 rows, two parameters; and the same with a budget that leaves nothing to do.
cat >fit.toml <<'END'
[data.synthetic]
truth  = { a = 1, b = 2 }
inputs = { x = { from = 0, to = 1, count = 16 } }
noise  = { y = "normal(y, 0.1)" }
[simulator]
kind = "formula"
outputs.y = "a*exp(b*x)"
[parameters]
a = "uniform(0.1, 10)"
b = "uniform(-5, 5)"
[loss]
kind = "least_squares"
[differentiation]
methods = ["forward"]
compare = { points = 0 }
[[optimizer]]
method = "levenberg_marquardt"
[intervals]
methods = []
END
{ cat fit.toml; printf '[budget]\nevaluations = 1\n'; } >nothing.toml
# Ten parameters, 40 rows, default intervals.
cat >ten.toml <<'END'
[data.synthetic]
truth  = { p = [1, 2, 3, 0.5, -1, 2, 0.3, 1.5, -0.7, 0.9] }
inputs = { x = { from = 0, to = 4, count = 40 } }
noise  = { y = "normal(y, 0.1)" }
[simulator]
kind = "formula"
outputs.y = "sum(p[i]*exp(-(x - 0.4*i)**2) for i in range(10))"
[parameters]
p = { prior = "uniform(-5, 5)", size = 10 }
[loss]
kind = "least_squares"
[differentiation]
methods = ["reverse"]
compare = { points = 0 }
[[optimizer]]
method = "levenberg_marquardt"
END

row='| %s | %s | %s | %s | %s | %s | %s | %s |\n'
# shellcheck disable=SC2059
printf "$row" experiment runs threads 's of wall time' 's of processor time' 'µs of it a run' 'MiB at most' 'bytes of journal a run'
printf '|---|---|---|---|---|---|---|---|\n'
measure() { # name runs threads arguments...
    command time -o time.txt -f '%e %U %S %M' "$program" "${@:4}" >/dev/null 2>&1
    read -r wall user system peak <time.txt
    spent=$(echo "$user + $system" | bc)
    bytes=$(cat results/*/journal.jsonl 2>/dev/null | wc -c)
    # shellcheck disable=SC2059
    printf "$row" "$1" "$2" "$3" "$wall" "$spent" "$(echo "scale=1; $spent * 1000000 / $2" | bc)" \
        "$(echo "$peak / 1024" | bc)" "$(echo "$bytes / $2" | bc)"
}
run() { # experiment runs threads setting
    rm -rf results
    measure "$1" "$2" "$3" "$1.toml" --quiet --threads "$3" --set "$4"
}
for runs in "$@"; do run fit "$runs" 2 "sweep.repeats=$runs"; done
run fit "$1" 1 "sweep.repeats=$1"
run nothing 100000 1 sweep.repeats=100000
run ten "$1" 2 "sweep.repeats=$1"
# Combinations of the axes, each with data and a model of its own.
cp fit.toml axes.toml
for runs in "$@"; do
    seeds="sweep.axes.seed={ from = 1, to = $runs, count = $runs }"
    run axes "$runs" 2 "$seeds"
    measure plan "$runs" 1 plan axes.toml --set "$seeds"
    for command in status merge report; do measure $command "$runs" 1 $command results/axes; done
done
