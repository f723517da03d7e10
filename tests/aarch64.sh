#!/usr/bin/env bash
# The same bytes on another kind of processor: builds the tool and the tests of the elementary functions and of the
# engine for AArch64, whose vector instructions are NEON, and runs them on this machine under an emulator. Some ten
# minutes. On Debian it installs what it needs; elsewhere it says what is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=aarch64-unknown-linux-gnu
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /"
missing=()
for pair in qemu-aarch64:qemu-user aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu; do
    command -v "${pair%:*}" >/dev/null || missing+=("${pair#*:}")
done
[ -e /lib/ld-linux-aarch64.so.1 ] || missing+=(libc6:arm64 libgcc-s1:arm64)
if ! rustup target add "$target" 2>/dev/null; then
    # Where its maker's files cannot be had, Debian's compiler does.
    export RUSTC=/usr/bin/rustc
    [ -d "/usr/lib/rustlib/$target" ] || missing+=(rustc-web libstd-rust-web-dev:arm64)
fi
if [ "${#missing[@]}" -gt 0 ]; then
    command -v apt-get >/dev/null || { echo "skipped: what Debian calls ${missing[*]} is not here"; exit 0; }
    sudo=()
    if [ "$(id -u)" -ne 0 ]; then sudo=(sudo); fi
    "${sudo[@]}" dpkg --add-architecture arm64
    "${sudo[@]}" apt-get update
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"
fi

cargo test --lib --target "$target" -- elementary engine
cargo build --release --target "$target"
unset RUSTC
# The tests are those of this machine, the tool that they run is the other.
SBI_RUN_TOOL="qemu-aarch64 -L / ${CARGO_TARGET_DIR:-target}/$target/release/sbi-run" \
    cargo test --test integration -- shipped_experiments
