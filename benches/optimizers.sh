#!/usr/bin/env bash
# Test accuracy on the embedded digits by several optimizers, seeds 1 to 3: the table of the book's chapter on
# dendritic targets. Takes some minutes; prints a line for each network and optimizer.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT

# name, preset, batch size, further arguments
measure() {
    local name=$1 preset=$2 batch=$3 accuracies=()
    shift 3
    for seed in 1 2 3; do
        target/debug/dendrite train --quiet --preset "$preset" --epochs 1 --batch-size "$batch" --seed "$seed" \
            --threads 1 --out "$runs/run" "$@"
        accuracies+=("$(sed -n 's/.*"test_accuracy": \([0-9.]*\).*/\1/p' "$runs/run/summary.json")")
        rm -r "$runs/run"
    done
    echo "$preset, $name: ${accuracies[*]}"
}

measure "descent" mnist-dtp 1
measure "momentum 0.9, rates times 0.1" mnist-dtp 1 --set optimizer.momentum=0.9 --set schedule.factor=0.1
for rate in 0.001 0.0001; do
    measure "Adam, $rate" mnist-dtp 1 --set optimizer.kind=adam --set "schedule.factor=$rate"
done
measure "descent" mnist-backprop-ei 1
measure "Adam, 0.001" mnist-backprop-ei 1 --set optimizer.kind=adam --set schedule.factor=0.001
measure "descent, 0.5" mnist-mirrored-dtp 10 --set 'optimizer={ kind = "sgd" }' --set schedule.start=0.5
measure "momentum 0.9, 0.2" mnist-mirrored-dtp 20 --set 'optimizer={ kind = "sgd", momentum = 0.9 }' \
    --set schedule.start=0.2
measure "Adam, 0.002" mnist-mirrored-dtp 10 --set schedule.start=0.002
