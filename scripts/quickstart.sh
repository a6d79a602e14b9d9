#!/usr/bin/env bash
# Installs what is missing, builds, trains convnet3-34 on Fashion-MNIST and measures it.
# usage: quickstart.sh [OUT_DIR]     (default: out/quickstart, replaced)
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-out/quickstart}
bash scripts/install.sh
bash scripts/build.sh release
rm -rf "$out"
build/release/rho-train --model convnet3-34 --data fashion-mnist --optimizer sgd --lr 0.01 \
  --momentum 0.9 --batch 100 --epochs 6 --schedule cosine:6 --seed 1 --out "$out"
build/release/rho-measure --model convnet3-34 --checkpoint "$out/last.safetensors" \
  --data fashion-mnist --json "$out/measure.json" --plot "$out/measure.png"
echo "numbers: $out/measure.json   picture: $out/measure.png"
