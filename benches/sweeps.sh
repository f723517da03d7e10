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
# A variable of the developer, which makes every error that is thrown away cost a walk up the stack.
unset RUST_BACKTRACE
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

row='| %s | %s | %s | %s | %s | %s | %s | %s |\n'
# shellcheck disable=SC2059
printf "$row" experiment runs threads 's of wall time' 's of processor time' 'µs of it a run' 'MiB at most' 'bytes of journal a run'
printf '|---|---|---|---|---|---|---|---|\n'
measure() { # experiment runs threads
    rm -rf results
    command time -o time.txt -f '%e %U %S %M' "$program" "$1.toml" --quiet --threads "$3" --set "sweep.repeats=$2"
    read -r wall user system peak <time.txt
    bytes=$(stat -c %s "results/$1/journal.jsonl")
    spent=$(echo "$user + $system" | bc)
    # shellcheck disable=SC2059
    printf "$row" "$1" "$2" "$3" "$wall" "$spent" "$(echo "scale=1; $spent * 1000000 / $2" | bc)" \
        "$(echo "$peak / 1024" | bc)" "$(echo "$bytes / $2" | bc)"
}
for runs in "$@"; do measure fit "$runs" 2; done
measure fit "$1" 1
measure nothing 100000 1
