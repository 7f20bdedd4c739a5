#!/usr/bin/env bash
# What a second thread and a second device bring: samples/s of mnist-dtp, the best of a hundred windows of
# some ten milliseconds and of nine short runs, because others may use the machine. DENDRITE names a
# binary that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -n "${DENDRITE:-}" ] || cargo build --locked --quiet --bin dendrite
dendrite=$(realpath "${DENDRITE:-target/debug/dendrite}")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

best() { sed -n 's/.*"windows":\[\([0-9.,]*\)\].*/\1/p' | tr , '\n' | sort -n | tail -1; }
bench() {
    local window=$(($3 > 32 ? $3 : 32))
    "$dendrite" bench --device flex --engine "$1" --threads "$2" --batch-size "$3" \
        --window $window --windows 100 --json | best
}
# Samples of a step, and the devices that share them.
devices() {
    local count batch run
    count=$(tr , '\n' <<<"$2" | wc -l)
    for _ in 1 2 3 4 5 6 7 8 9; do
        run=$(mktemp -d "$place/run-XXXX")
        "$dendrite" train --preset mnist-dtp --engine tensors --devices "$2" --threads 2 --quiet \
            --batch-size $(($1 / count)) --samples $(($1 * 8)) --validate-every $(($1 * 8)) \
            --out "$run" 2>/dev/null
        sed -n 's/.*"samples_per_second": \([0-9.]*\).*/\1/p' "$run/summary.json"
    done | sort -n | tail -1
}

echo "| engine | batch | 1 thread | 2 threads |"
for engine in memory tensors; do
    for batch in 1 32 128; do
        echo "$(bench $engine 1 $batch) $(bench $engine 2 $batch)" |
            awk -v engine=$engine -v batch=$batch \
                '{printf "| `%s` | %d | %.0f | %.0f (× %.2f) |\n", engine, batch, $1, $2, $2 / $1}'
    done
done
echo "| samples of a step | 1 device | 2 devices |"
for samples in 16 128; do
    echo "$(devices $samples flex) $(devices $samples flex,flex)" |
        awk -v samples=$samples '{printf "| %d | %.0f | %.0f (× %.2f) |\n", samples, $1, $2, $2 / $1}'
done
