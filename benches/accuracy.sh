#!/usr/bin/env bash
# The table of results: test accuracy of the presets, seeds 1 to 3, one thread, as lines of Markdown.
# The published networks in the paper's protocol (batch 1; 20,000 samples, of the spirals one pass),
# those that come with a budget of their own in that, those in maps on shifted images, of CIFAR-10 flipped too.
#
#   benches/accuracy.sh [PATTERN [FOLDER FOR THE RUNS]]
#
# PATTERN selects presets by a regular expression (all of them unless given: three quarters of an hour, and many hours for CIFAR-10 in maps). Runs
# that are there already are not made again; one that was cut off goes on. DENDRITE names a binary that
# is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
pattern=${1:-.}
out=${2:-runs/accuracy}
dendrite=${DENDRITE:-target/debug/dendrite}
[ -n "${DENDRITE:-}" ] || cargo build --locked --quiet
echo "| preset | accuracy | seeds 1, 2, 3 |"
echo "|---|---|---|"
for preset in $("$dendrite" presets | awk '{ print $1 }' | grep -E "$pattern"); do
    case $preset in
        fashion-mnist-mirrored-*) budget=(--dataset fashion-mnist) ;;
        mnist-mirrored-* | mnist-deep-*) budget=(--dataset mnist) ;;
        fashion-mnist-conv-*) budget=(--dataset fashion-mnist) ;;
        # Nothing is chosen any more: all images are learned from.
        mnist-conv-*)
            budget=(--dataset mnist --set 'data.learn_from="train_and_validation"' --crop 1
                --validate-every 60000 --validation-samples 1000)
            ;;
        cifar10-conv-* | cifar10-local-*)
            budget=(--dataset cifar10 --set 'data.learn_from="train_and_validation"' --crop 3 --flip
                --validate-every 50000 --validation-samples 1000)
            ;;
        spirals-*) budget=(--dataset spirals) ;;
        fashion-mnist-*) budget=(--dataset fashion-mnist --samples 20000) ;;
        cifar10-*) budget=(--dataset cifar10 --samples 20000) ;;
        *) budget=(--dataset mnist --samples 20000) ;;
    esac
    for seed in 1 2 3; do
        run="$out/$preset-$seed"
        if [ -f "$run/spec.toml" ]; then
            "$dendrite" train --resume "$run" --threads 1 --quiet
        else
            "$dendrite" train --preset "$preset" "${budget[@]}" --seed "$seed" --threads 1 --quiet \
                --out "$run"
        fi
    done
    # Mean and standard error from the summaries.
    grep -h '"test_accuracy"' "$out/$preset"-[123]/summary.json | awk -v name="$preset" -F'[:,]' '
        { x = 100 * $2; n++; sum += x; squares += x * x; list = list (n > 1 ? ", " : "") sprintf("%.2f", x) }
        END { mean = sum / n; sem = sqrt((squares - n * mean * mean) / (n - 1) / n)
              printf "| `%s` | %.2f ± %.2f %% | %s |\n", name, mean, sem, list }'
done
