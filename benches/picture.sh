#!/usr/bin/env bash
# The picture of the README: accuracy over samples of MNIST, four networks with three seeds each.
#
#   benches/picture.sh [FOLDER FOR THE RUNS]
#
# Networks that are trained already are not trained again; one that was cut off goes on. DENDRITE names a
# binary that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-runs/picture}
dendrite=${DENDRITE:-target/debug/dendrite}
[ -n "${DENDRITE:-}" ] || cargo build --locked --quiet
"$dendrite" compare --preset mnist-dtp,mnist-backprop-ei --spec benches/picture/mnist-mirrored-dtp.toml \
    --spec benches/picture/mnist-mirrored-backprop.toml --dataset mnist --samples 20000 --seeds 3 \
    --analysis-samples 0 --out "$out"
cp "$out/figures/validation-accuracy.svg" docs/src/images/accuracy.svg
