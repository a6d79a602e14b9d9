#!/usr/bin/env bash
# Includes point one way: each folder may include itself and the folders named here, no other.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A allowed=(
  [tensor]="tensor"
  [kernels]="tensor kernels"
  [autograd]="tensor kernels autograd"
  [nn]="tensor kernels autograd nn"
  [optim]="tensor kernels autograd optim"
  [datasets]="tensor datasets"
  [tools/plot]="tensor nn tools/plot"
  [tools/compare]="tensor tools/plot tools/compare"
  [tools/programs]="tensor kernels nn optim datasets tools/plot tools/measure tools/approximate tools/support tools/programs"
  [tools/sweep]="tensor nn tools/support tools/programs tools/sweep"
  [tools/figures]="tensor tools/plot tools/support tools/sweep tools/figures"
  [tools/report]="tensor tools/sweep tools/figures tools/report"
  [tools/measure]="tensor kernels autograd nn optim datasets tools/plot tools/measure"
  [tools/dynamics]="tensor kernels autograd nn optim datasets tools/plot tools/dynamics"
  [tools/approximate]="tensor kernels autograd nn optim tools/approximate"
)
bad=0
for folder in "${!allowed[@]}"; do
  while IFS=: read -r file line text; do
    target=$(sed -E 's/.*"([^"]+)".*/\1/' <<<"$text")
    ok=0
    for prefix in ${allowed[$folder]}; do
      [[ $target == "$prefix"/* ]] && ok=1
    done
    if [ $ok = 0 ]; then
      echo "$file:$line: includes \"$target\"; $folder/ may include only: ${allowed[$folder]}"
      bad=1
    fi
  done <<<"$(grep -rnE '^#include "' --include='*.h' --include='*.cpp' --include='*.cu' \
               --include='*.cuh' "$folder")"
done
# Device code stays in .cu and .cuh: no other header includes CUDA.
if grep -rnE '#include <(cuda|cublas|cudnn)' --include='*.h' . --exclude-dir=build; then
  echo "a public header includes a CUDA header"
  bad=1
fi
[ $bad = 0 ] && echo "includes point one way"
exit $bad
