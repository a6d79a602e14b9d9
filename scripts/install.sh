#!/usr/bin/env bash
# Installs what building and testing Rho needs, where something is missing. Debian 12.
# usage: install.sh [--peers] [--bench]
#   --peers  also PyTorch and safetensors, which some tests compare with, and Open MPI
#   --bench  also the libraries that the benchmarks compare with
set -euo pipefail
cd "$(dirname "$0")/.."

required=(g++ cmake ninja-build pkg-config libhwy-dev zlib1g-dev libjpeg-dev libpng-dev
  libcsv-dev nlohmann-json3-dev libtomlplusplus-dev libcli11-dev libboost-dev libboost-context-dev libsvm-dev libgtest-dev
  libbenchmark-dev gnuplot-nox dataset-fashion-mnist python3 python3-numpy
  python3-pil clang-format clang-tidy)
peers=no
for flag in "$@"; do
  case $flag in
    --peers) peers=yes required+=(python3-torch python3-pip libopenmpi-dev openmpi-bin) ;;
    --bench) required+=(libopenblas-dev libblis-dev libdnnl-dev libtorch-dev) ;;
    *) echo "unknown flag $flag" >&2; exit 2 ;;
  esac
done
missing=()
for package in "${required[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
    missing+=("$package")
done

if [ ${#missing[@]} != 0 ]; then
  echo "installing: ${missing[*]}"
  as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "not root and no sudo: install them yourself" >&2; exit 1; }
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

# Debian has no safetensors for Python; without it the tests that need it say that they skip.
if [ $peers = yes ] && [ ! -d build/python/safetensors ]; then
  /usr/bin/python3 -m pip install --quiet --root-user-action=ignore --no-deps --target build/python safetensors ||
    echo "safetensors could not be installed: the tests that need it will skip" >&2
fi
