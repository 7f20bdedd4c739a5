#!/usr/bin/env bash
# The table of the README: test accuracy of each preset on MNIST in the paper's protocol (20,000
# samples at batch 1), seeds 1 to 3, one thread. Usage: benches/accuracy.sh [FOLDER FOR THE RUNS]
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-runs/accuracy}
cargo build --locked
for preset in mnist-dtp mnist-backprop-ei mnist-backprop-ann; do
    for seed in 1 2 3; do
        run="$out/$preset-$seed"
        [ -f "$run/summary.json" ] || target/debug/dendrite train --preset "$preset" --dataset mnist \
            --samples 20000 --validate-every 20000 --seed "$seed" --threads 1 --quiet --out "$run"
    done
    # Mean and standard error from the summaries.
    grep -h '"test_accuracy"' "$out/$preset"-[123]/summary.json | awk -v name="$preset" -F'[:,]' '
        { x = 100 * $2; n++; sum += x; squares += x * x; list = list sprintf(" %.2f", x) }
        END { mean = sum / n; sem = sqrt((squares - n * mean * mean) / (n - 1) / n)
              printf "%-20s %.2f ± %.2f %%  (%s )\n", name, mean, sem, list }'
done
