#!/usr/bin/env bash
# Dendritic targets against depth in maps: 3, 6 and 9 convolutional layers by backprop, by dendritic targets with and
# without dendritic inhibition, and with feedback and dendritic inhibition learned, in 3 layers at three decays. CIFAR-10, three
# passes over 10,000 images, seed 1, one thread: test accuracy, and the angle to backprop in each layer over 200 test images
# at the end, as lines of Markdown. Then 3 layers in eight passes, of which the decay may hold in the first four alone. An hour
# and a half.
#
#   benches/depth_in_maps.sh [FOLDER FOR THE RUNS [PATTERN]]
#
# PATTERN selects lines by a regular expression, such as '^9 layers'. Runs that are there already are not made
# again. DENDRITE names a binary that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-runs/depth-in-maps}
pattern=${2:-.}
dendrite=${DENDRITE:-target/debug/dendrite}
[ -n "${DENDRITE:-}" ] || cargo build --locked --quiet
mkdir -p "$out"

# name, maps, pools, further keys of the anatomy, decay, passes, first and last learning rate, what it starts from
measure() {
    local name=$1
    grep -qE "$pattern" <<<"$name" || return 0
    local passes=${6:-3} first=${7:-0.002} last=${8:-0.0} start=()
    [ -z "${9:-}" ] || start=(--from "$out/$9")
    local run="$out/$name"
    if [ ! -f "$run/summary.json" ]; then
        cat >"$out/$name.toml" <<END
name = "maps"
data = { encoding = "on_off_standard" }
anatomy = { kind = "mirrored", inputs = [6, 32, 32], maps = [$2], kernels = [3], pools = [$3], outputs = 10, $4 }
optimizer = { kind = "adam", epsilon = 1e-8, weight_decay = $5 }
schedule = { kind = "cosine", start = $first, end = $last }
batch_scaling = "none"
budget = { epochs = $passes, batch_size = 50 }
END
        "$dendrite" train --quiet --spec "$out/$name.toml" --dataset cifar10 --samples 10000 --seed 1 --threads 1 \
            --crop 3 --flip --validate-every 10000 --validation-samples 1000 "${start[@]}" --out "$run"
    fi
    local accuracy angles=
    accuracy=$(sed -n 's/.*"test_accuracy": \([0-9.]*\).*/\1/p' "$run/summary.json")
    if [[ $4 != *backprop* ]]; then
        [ -f "$run/analysis/analysis.json" ] ||
            "$dendrite" analyze "$run" --metric backprop-angle --samples 200 --threads 1 --quiet
        # Of the mean change over the images; the output's, which is exact, is left out.
        angles=$(grep -o '"projections":.*' "$run/analysis/analysis.json" | grep -o '"averaged":[^,}]*' | cut -d : -f 2 |
            awk -v depth="$depth" 'NR <= depth { printf "%s%.0f°", (NR > 1 ? ", " : ""), $1 }')
    fi
    echo "| $name | $(awk "BEGIN { printf \"%.2f\", 100 * $accuracy }") % | $angles |"
}

echo "| layers, learning | accuracy | angle to backprop, from below |"
echo "|---|---|---|"
for depth in 3 6 9; do
    case $depth in
        3) maps='32, 64, 128' pools='2' ;;
        6) maps='32, 32, 64, 64, 128, 128' pools='1, 2, 1, 2, 1, 2' ;;
        9) maps='32, 32, 32, 64, 64, 64, 128, 128, 128' pools='1, 1, 2, 1, 1, 2, 1, 1, 2' ;;
    esac
    measure "$depth layers, backprop" "$maps" "$pools" 'learning = "backprop"' 0.0
    measure "$depth layers, dendritic targets" "$maps" "$pools" 'strength = 0.1, bound = 10.0' 0.0
    measure "$depth layers, no dendritic inhibition" "$maps" "$pools" \
        'strength = 0.1, bound = 10.0, dendritic_inhibition = "none"' 0.0
    decays=(0.2)
    [ "$depth" != 3 ] || decays=(0.0 0.2 1.0)
    for decay in "${decays[@]}"; do
        measure "$depth layers, both learned, decay $decay" "$maps" "$pools" \
            'strength = 0.1, bound = 10.0, feedback = "learned", dendritic_inhibition = "learned"' $decay
    done
done

depth=3 maps='32, 64, 128' pools='2'
learned='strength = 0.1, bound = 10.0, feedback = "learned", dendritic_inhibition = "learned"'
for decay in 0.0 0.2 1.0; do
    measure "8 passes, both learned, decay $decay" "$maps" "$pools" "$learned" $decay 8
done
# The halves of the same cosine.
measure "first 4 passes, both learned, decay 1.0" "$maps" "$pools" "$learned" 1.0 4 0.002 0.001
measure "last 4 passes, both learned, decay 0.0" "$maps" "$pools" "$learned" 0.0 4 0.001 0.0 \
    "first 4 passes, both learned, decay 1.0"
measure "8 passes, symmetric" "$maps" "$pools" 'strength = 0.1, bound = 10.0' 0.0 8
