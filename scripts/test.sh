#!/usr/bin/env bash
# Installs what is missing, builds, runs every test, and says how many ran on which device.
# usage: test.sh [PRESET ...]     (default: release; the sanitizers' leave out the long tests)
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/install.sh
for preset in "${@:-release}"; do
  bash scripts/build.sh "$preset"
  selection=()
  [[ $preset = release || $preset = cuda ]] || selection=(--label-exclude long)
  results=$PWD/build/$preset/tests.xml
  failed=0
  ctest --test-dir "build/$preset" --output-on-failure --parallel "$(nproc)" \
    --output-junit "$results" --test-output-size-passed 10000000 "${selection[@]}" || failed=$?
  scripts/test_summary.py "$results"
  [ $failed = 0 ] || exit $failed
done
