#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. usage: test.sh [PRESET ...]
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/install.sh
for preset in "${@:-release}"; do
  bash scripts/build.sh "$preset"
  ctest --test-dir "build/$preset" --output-on-failure --parallel "$(nproc)"
done
