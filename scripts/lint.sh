#!/usr/bin/env bash
# Runs clang-tidy over the sources of the release build (see .clang-tidy), several of a folder at once
# as the build compiles them. usage: lint.sh [FILE ...]
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset release >/dev/null
cmake --build --preset release --target rho_version >/dev/null
if [ $# = 0 ]; then
  mapfile -t files < <(sed -n 's/^ *"file": "\(.*\.\(cpp\|cxx\)\)".*/\1/p' build/release/compile_commands.json |
    grep -v "^$PWD/\(build/release/\)\?\(tests\|bench\)/")
else
  files=("$@")
fi
printf '%s\0' "${files[@]}" |
  xargs -0 -P "$(nproc)" -n 1 clang-tidy -p build/release --quiet 2>/dev/null
echo "clang-tidy: ${#files[@]} files, nothing found"
