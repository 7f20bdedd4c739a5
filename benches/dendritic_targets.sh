#!/usr/bin/env bash
# What the book's chapter on dendritic targets and the gradient says of other budgets than those of the presets:
# test accuracy, seeds 1 to 3, one thread. Half an hour on a core.
#
#   benches/dendritic_targets.sh [PATTERN [FOLDER FOR THE RUNS]]
#
# PATTERN selects lines by a regular expression on their names. Runs that are there already are not made
# again. DENDRITE names a binary that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
pattern=${1:-.}
out=${2:-runs/dendritic-targets}
dendrite=${DENDRITE:-target/debug/dendrite}
[ -n "${DENDRITE:-}" ] || cargo build --locked --quiet
echo "| what | preset | accuracy | seeds 1, 2, 3 |"
echo "|---|---|---|---|"

# name, preset or file, further arguments
measure() {
    local name=$1 preset=$2 accuracies=() network=(--preset "$2")
    [ ! -f "$preset" ] || network=(--spec "$preset") && preset=$(basename "$preset" .toml)
    shift 2
    [[ "$name, $preset" =~ $pattern ]] || return 0
    for seed in 1 2 3; do
        local run="$out/$preset, $name, $seed"
        [ -f "$run/summary.json" ] ||
            "$dendrite" train --quiet "${network[@]}" --seed "$seed" --threads 1 --out "$run" "$@"
        accuracies+=("$(sed -n 's/.*"test_accuracy": \([0-9.]*\).*/\1/p' "$run/summary.json")")
    done
    printf '%s\n' "${accuracies[@]}" | awk -v name="$name" -v preset="$preset" '
        { x = 100 * $1; n++; sum += x; squares += x * x; list = list (n > 1 ? ", " : "") sprintf("%.2f", x) }
        END { mean = sum / n; sem = sqrt((squares - n * mean * mean) / (n - 1) / n)
              printf "| %s | `%s` | %.2f ± %.2f %% | %s |\n", name, preset, mean, sem, list }'
}

once=(--dataset mnist --samples 20000 --epochs 1 --batch-size 10 --set schedule.start=0.002)
turned=(--dataset mnist --epochs 20 --set schedule.start=0.002 --rotate 10 --zoom 10 --shear 10 --crop 2)
for preset in mnist-mirrored-dtp mnist-mirrored-backprop; do
    measure "one pass over 20000, batch 10" "$preset" "${once[@]}"
    measure "twenty passes with augmentation" "$preset" "${turned[@]}"
done
measure "ten passes over 20000, decay 1" mnist-deep-dtp-local --dataset mnist --samples 20000 --epochs 10 \
    --set optimizer.weight_decay=1.0
# Networks that are no presets: name, sizes of the hidden layers, further options of the anatomy.
anatomy() {
    local file="$out/$1.toml"
    mkdir -p "$out"
    cat >"$file" <<END
name = "$1"
anatomy = { kind = "mirrored", inputs = 784, hidden = [$2], outputs = 10$3 }
optimizer = { kind = "adam", epsilon = 1e-8 }
schedule = { kind = "cosine", start = 0.001, end = 0.0 }
batch_scaling = "none"
budget = { epochs = 12, batch_size = 100 }
END
    measure "$1" "$file" --dataset mnist
}
six="300, 300, 300, 300, 300, 300"
anatomy "ten hidden layers" "$six, 300, 300, 300, 300" ""
anatomy "six hidden layers without dendritic inhibition" "$six" ', dendritic_inhibition = "none"'
anatomy "somatic inhibition learned" "500, 500" ', interneurons = 50, somatic_inhibition = "learned"'
