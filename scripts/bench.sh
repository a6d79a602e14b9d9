#!/usr/bin/env bash
# Installs what is missing, builds the benchmarks and their peers, runs them all and writes a report.
# usage: bench.sh [--device DEVICE] [--pytorch PYTHON] [--out FILE] [--filter REGEX] [--avx2] [--quick]
#   --device cuda   on a GPU, beside cuBLAS, cuDNN and PyTorch
#   --pytorch PYTHON  the Python whose PyTorch is a peer of whole training steps, or none
#                   (default: python3 on a GPU, none on the CPU)
#   --out FILE      the report (default: bench/results/DATE-PROCESSOR.md)
#   --filter REGEX  only the cases whose names match
#   --avx2          as on a machine that has nothing newer, ours and the peers
#   --quick         two rounds a case: shows that everything works, measures little
set -euo pipefail
cd "$(dirname "$0")/.."
out=() flags=() training_flags=() device=cpu
while [ $# != 0 ]; do
  case $1 in
    --device) device=$2; shift 2 ;;
    --pytorch) training_flags+=("--pytorch=$2"); shift 2 ;;
    --out) out=(--out "$2"); shift 2 ;;
    --filter) flags+=("--benchmark_filter=$2"); shift 2 ;;
    --avx2) flags+=(--avx2); shift ;;
    --quick) flags+=(--rounds=2); shift ;;
    *) echo "unknown flag $1" >&2; exit 2 ;;
  esac
done
bash scripts/install.sh --bench
programs=()
for source in bench/*_bench.cpp; do
  # What the host's cores reach is no measure of a GPU.
  [[ $device != cpu && $source = */machine_bench.cpp ]] || programs+=("$(basename "$source" .cpp)")
done
bash scripts/build.sh release "${programs[@]}"

results=build/release/bench/results
rm -rf "$results"
mkdir -p "$results"
for program in "${programs[@]}"; do
  own=()
  [ "$program" != training_bench ] || own=("${training_flags[@]}")
  "build/release/bench/$program" --device="$device" --benchmark_out="$results/$program.json" "${flags[@]}" "${own[@]}"
done
scripts/bench_report.py "${out[@]}" "$results"/*.json
