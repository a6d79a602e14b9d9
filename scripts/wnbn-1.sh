#!/usr/bin/env bash
# Experiment wnbn-1 (WNBN; TheoryIII 9): plain gradient descent and every norm-constrained method
# from one seed, convnet3-34 on Fashion-MNIST. A method that follows dV = -rho S G in time sees W
# move rho^2 times as fast as plain descent does, so its rate is smaller by about that. rho, which
# has no momentum, has the rate that momentum makes of plain descent's: 0.01 / (1 - 0.9). An
# interrupted run goes on where it was.
# usage: wnbn-1.sh [OUT_DIR] [EPOCHS]     (default: out/wnbn-1, 3; two runs at a time, a core each)
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-out/wnbn-1}
epochs=${2:-3}
bash scripts/install.sh
bash scripts/build.sh release rho-train rho-compare

common=(--model convnet3-34 --data fashion-mnist --batch 100 --epochs "$epochs" --seed 1 --threads 1
  --audit --resume)
plain=(--lr 0.01 --rho-lr 0.1 --momentum 0.9)
sphere=(--lr 0.00015 --rho-lr 0.1 --momentum 0.9)
run() {  # NAME OPTION...
  local name=$1
  shift
  OMP_NUM_THREADS=1 build/release/rho-train "${common[@]}" "$@" --out "$out/$name"
}
{
  run sgd --optimizer sgd "${plain[@]}"
  run polar-gradient --optimizer polar-gradient "${plain[@]}"
  run langevin --optimizer langevin --lr 0.05 --temperature 1e-8
  run tangent-gradient-channels --optimizer tangent-gradient --norm-per channel "${sphere[@]}"
  run tangent-gradient-adaptive --optimizer tangent-gradient --rho margin:0.5 "${sphere[@]}"
} &
first=$!
for method in tangent-gradient coefficient-normalization lagrange-multiplier true-gradient \
  weight-normalization; do
  run "$method" --optimizer "$method" "${sphere[@]}"
done
wait "$first"
build/release/rho-compare "$out"/{sgd,polar-gradient,langevin,tangent-gradient} \
  "$out"/{coefficient-normalization,lagrange-multiplier,true-gradient,weight-normalization} \
  "$out"/{tangent-gradient-channels,tangent-gradient-adaptive} \
  --json "$out/wnbn-1.json" --plot "$out/wnbn-1.png"
