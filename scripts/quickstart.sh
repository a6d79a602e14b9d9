#!/usr/bin/env bash
# Installs what is missing, builds, trains convnet3-34 on Fashion-MNIST and measures it.
# usage: quickstart.sh [OUT_DIR]     (default: out/quickstart, replaced)
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-out/quickstart}
bash scripts/install.sh
bash scripts/build.sh release rho-train rho-measure
rm -rf "$out"
build/release/rho-train --model convnet3-34 --data fashion-mnist --optimizer adam --lr 0.0007 \
  --batch 32 --epochs 2 --schedule step:1:0.2 --seed 1 --out "$out"
build/release/rho-measure --checkpoint "$out/last.safetensors" --data fashion-mnist \
  --json "$out/measure.json" --plot "$out/measure.png"
echo "numbers: $out/measure.json   picture: $out/measure.png"
