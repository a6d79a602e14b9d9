#!/usr/bin/env bash
# Installs what building and testing Rho needs, where something is missing. Debian 12.
set -euo pipefail

required=(g++ cmake ninja-build pkg-config libomp-dev libhwy-dev zlib1g-dev libjpeg-dev libpng-dev libcsv-dev
  nlohmann-json3-dev libcli11-dev libgtest-dev libbenchmark-dev gnuplot-nox
  dataset-fashion-mnist python3 python3-numpy python3-pil clang-format clang-tidy)
missing=()
for package in "${required[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
    missing+=("$package")
done
[ ${#missing[@]} = 0 ] && exit 0

echo "installing: ${missing[*]}"
as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "not root and no sudo: install them yourself" >&2; exit 1; }
  as_root=(sudo)
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}"
