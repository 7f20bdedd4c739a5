#!/usr/bin/env bash
# Seconds of training on MNIST until the validation accuracy first reaches 92.5, 97 and 99 %: seed 1, one thread, as
# lines of Markdown. Validations and the loading of data are not counted. Run it on a machine that does nothing else:
# six minutes.
#
#   benches/time_to_accuracy.sh [FOLDER FOR THE RUNS]
#
# DENDRITE names a binary that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-runs/time-to-accuracy}
dendrite=${DENDRITE:-target/debug/dendrite}
[ -n "${DENDRITE:-}" ] || cargo build --locked --quiet
echo "| network | budget | samples a second | 92.5 % | 97 % | 99 % |"
echo "|---|---|---|---|---|---|"

# preset, budget in words, further arguments
measure() {
    local preset=$1 budget=$2
    shift 2
    local run="$out/$preset, $budget"
    [ -f "$run/summary.json" ] ||
        "$dendrite" train --quiet --preset "$preset" --dataset mnist --seed 1 --threads 1 --out "$run" "$@"
    # Speed, then samples and accuracy of each validation.
    {
        sed -n 's/.*"samples_per_second": \([0-9.]*\).*/speed \1/p' "$run/summary.json"
        sed -n 's/.*"split":"valid","samples":\([0-9]*\),"metrics":{"Accuracy":\([0-9.]*\).*/\1 \2/p' \
            "$run/metrics.jsonl"
    } | awk -v preset="$preset" -v budget="$budget" '
        BEGIN { split("92.5 97 99", goals) }
        $1 == "speed" { speed = $2; next }
        { for (goal in goals) if ($2 >= goals[goal] && !(goal in found)) found[goal] = $1 / speed }
        END {
            line = sprintf("| `%s` | %s | %.0f |", preset, budget, speed)
            for (goal = 1; goal <= 3; goal++)
                line = line (goal in found ? sprintf(" %.1f s |", found[goal]) : " - |")
            print line }'
}

measure mnist-dtp "20,000 online" --samples 20000 --validate-every 1000
measure mnist-backprop-ei "20,000 online" --samples 20000 --validate-every 1000
measure mnist-mirrored-dtp "20,000, batch 10" --samples 20000 --epochs 1 --batch-size 10 --set schedule.start=0.002 \
    --validate-every 1000
measure mnist-mirrored-dtp "12 passes, batch 100" --validate-every 5000
measure mnist-mirrored-backprop "12 passes, batch 100" --validate-every 5000
measure mnist-mirrored-dtp "20 passes with augmentation, batch 100" --epochs 20 --set schedule.start=0.002 --rotate 10 \
    --zoom 10 --shear 10 --crop 2 --validate-every 25000
