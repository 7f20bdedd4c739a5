#!/usr/bin/env bash
# Time of a training step of mnist-dtp on a device of another process, over the loopback, beside the
# same tensors in one process: milliseconds, the median of three, by the samples of a step. DENDRITE
# names a binary that is built already, with `--features remote`.
set -euo pipefail
cd "$(dirname "$0")/.."

dendrite=${DENDRITE:-target/debug/dendrite}
[ -n "${DENDRITE:-}" ] || cargo build --locked --quiet --features remote --bin dendrite
place=$(mktemp -d)
"$dendrite" serve --listen 127.0.0.1:0 --threads 1 >"$place/server" &
server=$!
trap 'kill $server; rm -rf "$place"' EXIT
until address=$(grep -o 'ws://[0-9.:]*[0-9]' "$place/server"); do sleep 0.1; done

# The samples of a step, and options; the time is of 20 steps, four at batch 1,024.
step() {
    local batch=$1 samples=$(($1 * 20 > 4096 ? 4096 : $1 * 20)) run
    run=$(mktemp -d "$place/run-XXXX")
    "$dendrite" train --preset mnist-dtp --batch-size "$batch" --samples "$samples" \
        --validate-every "$samples" --threads 1 --device flex --quiet --out "$run" "${@:2}" 2>/dev/null
    sed -n 's/.*"samples_per_second": \([0-9.]*\).*/\1/p' "$run/summary.json" |
        awk -v batch="$batch" '{printf "%.1f", 1000 * batch / $1}'
}
median() { for _ in 1 2 3; do step "$@" && echo; done | sort -n | sed -n 2p; }
echo "| samples of a step | in one process, ms | over the loopback, ms | ratio |"
for batch in 1 4 16 64 256 1024; do
    local=$(median $batch --engine tensors)
    remote=$(median $batch --remote "$address")
    echo "$local $remote" |
        awk -v batch=$batch '{printf "| %d | %s | %s | %.2f |\n", batch, $1, $2, $2 / $1}'
done
