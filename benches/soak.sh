#!/usr/bin/env bash
# A thousand kills at random moments (SIGKILL, SIGTERM, SIGINT, SIGUSR1; random threads, shares and merges): nothing lost,
# nothing twice, no byte differs. Minutes on two cores.
#
#     benches/soak.sh [KILLS] [SEED]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
kills=${1:-1000} seed=${2:-$RANDOM}
# The test takes its own small number for what is none, and would pass.
if ! [[ $kills =~ ^[1-9][0-9]*$ && $seed =~ ^[0-9]+$ ]]; then
    echo "usage: benches/soak.sh [KILLS] [SEED], two whole numbers, the first above 0" >&2
    exit 2
fi
SBI_RUN_KILLS=$kills SBI_RUN_SEED=$seed cargo test --release --test integration -- \
    kills_at_random_moments --nocapture
