#!/usr/bin/env bash
# A thousand kills at random moments (SIGKILL, SIGTERM, SIGINT, SIGUSR1; random threads, shares and merges): nothing lost,
# nothing twice, no byte differs. Minutes on two cores.
#
#     benches/soak.sh [KILLS] [SEED]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
SBI_RUN_KILLS=${1:-1000} SBI_RUN_SEED=${2:-$RANDOM} cargo test --release --test integration -- \
    kills_at_random_moments --nocapture
