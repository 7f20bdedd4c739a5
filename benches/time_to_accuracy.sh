#!/usr/bin/env bash
# Seconds of training on MNIST until the validation accuracy first reaches 92.5, 97 and 99 %: seeds 1 to 3, one thread,
# as lines of Markdown. Validations and the loading of data are not counted. Run it on a machine that does nothing
# else: ten minutes.
#
#   benches/time_to_accuracy.sh [FOLDER FOR THE RUNS]
#
# DENDRITE names a binary that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-runs/time-to-accuracy}
dendrite=${DENDRITE:-target/debug/dendrite}
[ -n "${DENDRITE:-}" ] || cargo build --locked --quiet
echo "| network | budget | 92.5 % | 97 % | 99 % | samples a second |"
echo "|---|---|---|---|---|---|"

# preset, budget in words, further arguments
measure() {
    local preset=$1 budget=$2
    shift 2
    for seed in 1 2 3; do
        local run="$out/$preset, $budget, $seed"
        [ -f "$run/summary.json" ] ||
            "$dendrite" train --quiet --preset "$preset" --dataset mnist --seed "$seed" --threads 1 --out "$run" "$@"
        # Speed, then samples and accuracy of each validation.
        sed -n 's/.*"samples_per_second": \([0-9.]*\).*/speed \1/p' "$run/summary.json"
        sed -n 's/.*"split":"valid","samples":\([0-9]*\),"metrics":{"Accuracy":\([0-9.]*\).*/\1 \2/p' \
            "$run/metrics.jsonl"
    done | awk -v preset="$preset" -v budget="$budget" '
        BEGIN { split("92.5 97 99", goals); }
        $1 == "speed" { run++; speed = $2; speeds += speed; next }
        { for (goal in goals) if ($2 >= goals[goal] && !((run, goal) in found)) {
              found[run, goal] = 1; count[goal]++; seconds = $1 / speed
              sum[goal] += seconds; squares[goal] += seconds * seconds } }
        END {
            line = "| `" preset "` | " budget " |"
            for (goal = 1; goal <= 3; goal++) {
                n = count[goal]
                if (n < run) { line = line " " (n ? n " of " run " seeds" : "-") " |"; continue }
                mean = sum[goal] / n; spread = (squares[goal] - n * mean * mean) / (n - 1) / n
                line = line sprintf(" %.1f ± %.1f s |", mean, spread > 0 ? sqrt(spread) : 0)
            }
            printf "%s %.0f |\n", line, speeds / run }'
}

measure mnist-dtp "20,000 online" --samples 20000 --validate-every 1000
measure mnist-backprop-ei "20,000 online" --samples 20000 --validate-every 1000
measure mnist-mirrored-dtp "20,000, batch 10" --samples 20000 --epochs 1 --batch-size 10 --set schedule.start=0.002 \
    --validate-every 1000
measure mnist-mirrored-dtp "12 passes, batch 100" --validate-every 5000
measure mnist-mirrored-backprop "12 passes, batch 100" --validate-every 5000
measure mnist-mirrored-dtp "20 passes with augmentation, batch 100" --epochs 20 --set schedule.start=0.002 --rotate 10 \
    --zoom 10 --shear 10 --crop 2 --validate-every 25000
