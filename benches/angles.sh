#!/usr/bin/env bash
# The figures of the book's chapter on dendritic targets and the gradient: angles over depth and training, with and
# without dendritic inhibition, and where feedback and dendritic inhibition are learned. Seed 1, one thread.
#
#   benches/angles.sh [FOLDER FOR THE RUNS]
#
# DENDRITE names a binary that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-runs/angles}
dendrite=${DENDRITE:-target/debug/dendrite}
[ -n "${DENDRITE:-}" ] || cargo build --locked --quiet
mkdir -p "$out"
cat >"$out/without.toml" <<'END'
name = "mnist-deep-dtp-without-dendritic-inhibition"
anatomy = { kind = "mirrored", inputs = 784, hidden = [300, 300, 300, 300, 300, 300], outputs = 10, dendritic_inhibition = "none" }
optimizer = { kind = "adam", epsilon = 1e-8 }
schedule = { kind = "cosine", start = 0.001, end = 0.0 }
batch_scaling = "none"
budget = { epochs = 12, batch_size = 100 }
END

# name, network
measure() {
    local name=$1
    shift
    if [ ! -f "$out/$name/summary.json" ]; then
        "$dendrite" train --quiet "$@" --dataset mnist --threads 1 --checkpoints all --out "$out/$name"
    fi
    "$dendrite" analyze "$out/$name" --metric backprop-angle,feedback-alignment,dendritic-state --samples 200 \
        --over-training --threads 1 --quiet
    echo "$name: $(grep test_accuracy "$out/$name/summary.json")"
    awk -F, '$2 == "projection_backprop_angle" && $1 + 0 > 0 {
            if (!($3 in most) || $4 > most[$3]) most[$3] = $4; last[$3] = $4 }
        END { for (name in last) printf "  %s: %.1f° at the end, at most %.1f°\n", name, last[name], most[name] }' \
        "$out/$name/analysis/over_training.csv" | sort
}
measure mirror --preset mnist-deep-dtp
# Plateaus in [-1, 1].
measure bound --preset mnist-deep-dtp --set learning.nudge.bound=1.0
measure without --spec "$out/without.toml"
measure learned --preset mnist-deep-dtp-local
