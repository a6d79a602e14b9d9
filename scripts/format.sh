#!/usr/bin/env bash
# Formats every source file; with --check only reports, and fails on a difference.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(-i)
[ "${1:-}" = --check ] && mode=(--dry-run --Werror)
git ls-files -z '*.h' '*.cpp' '*.cu' '*.cuh' | xargs -0 clang-format "${mode[@]}"
