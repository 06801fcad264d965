#!/usr/bin/env bash
# Builds the program of the Docker image, linked statically, and runs it as nobody in an empty folder: it needs no file of a
# system, no library, no user. Needs root (chroot).
#
#   tests/static/chroot.sh [ARGUMENT…]     arguments for the program; `--version` if none are given
#   PROFILE=release tests/static/chroot.sh     quicker to build; `dist` is what is shipped
set -euo pipefail
cd "$(dirname "$0")/../.."

profile=${PROFILE:-dist}
target=$(uname -m)-unknown-linux-gnu
# A folder of its own: other flags rebuild every dependency, and would throw away those of the usual builds.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target/static}

# With --target the flags reach the program only, not build scripts and derive macros, which cannot be static.
RUSTFLAGS='-C target-feature=+crt-static' nice cargo build --locked --profile "$profile" --target "$target" --bin understudy
program=$CARGO_TARGET_DIR/$target/$profile/understudy

if readelf --program-headers "$program" | grep -q INTERP; then
    echo "not static: $program asks for a loader" >&2
    exit 1
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
install -m 755 "$program" "$root/understudy"
[ $# -gt 0 ] || set -- --version
chroot --userspec=65534:65534 "$root" /understudy "$@"
echo "static, $(du -h "$program" | cut -f1): runs as nobody in an empty folder"
