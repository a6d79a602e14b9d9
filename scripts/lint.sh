#!/usr/bin/env bash
# Runs clang-tidy over the sources of the release build (see .clang-tidy). usage: lint.sh [FILE ...]
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset release >/dev/null
if [ $# = 0 ]; then
  mapfile -t files < <(git ls-files '*.cpp' | grep -v '^tests/\|^bench/')
else
  files=("$@")
fi
printf '%s\0' "${files[@]}" |
  xargs -0 -P "$(nproc)" -n 4 clang-tidy -p build/release --quiet 2>/dev/null
echo "clang-tidy: ${#files[@]} files, nothing found"
