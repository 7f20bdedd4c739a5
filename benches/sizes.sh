#!/usr/bin/env bash
# How time and memory grow with width and depth: networks whose layers are dense, convolutional or local, on the embedded
# digits, 50 samples a step, Adam, one thread. A connection is a product of a weight with an activity: in a dense or local
# network there are as many as weights, in maps each weight has one at every place. Lines of Markdown; five minutes on
# a machine that does nothing else, and 3 GB.
#
#   benches/sizes.sh [PATTERN]
#
# PATTERN selects lines by a regular expression, such as '^dense'. DENDRITE names a binary that is built already. Needs
# GNU time.
set -euo pipefail
cd "$(dirname "$0")/.."
pattern=${1:-.}
dendrite=${DENDRITE:-target/debug/dendrite}
[ -n "${DENDRITE:-}" ] || cargo build --locked --quiet
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

# name, weights, connections, keys of the anatomy
measure() {
    local name=$1 weights=$2 connections=$3
    grep -qE "$pattern" <<<"$name" || return 0
    cat >"$place/spec.toml" <<END
name = "size"
anatomy = { kind = "mirrored", outputs = 10, strength = 0.1, $4 }
optimizer = { kind = "adam", epsilon = 1e-8 }
batch_scaling = "none"
END
    # About 10^10 connections a window, and no fewer samples than training takes between two visits of burn's learner.
    local window=$((10000000000 / connections))
    window=$((window < 1000 ? 1000 : window > 5000 ? 5000 : window / 50 * 50))
    local speed
    speed=$(/usr/bin/time -f %M -o "$place/memory" "$dendrite" bench "$place/spec.toml" --dataset mnist-mini --batch-size 50 \
        --window $window --windows 3 --threads 1 --json | sed -n 's/.*"median":\([0-9.]*\).*/\1/p')
    awk -v name="$name" -v weights="$weights" -v connections="$connections" -v speed="$speed" -v memory="$(tail -1 "$place/memory")" \
        'BEGIN { printf "| %s | %.2f | %.2f | %.3f | %.2f | %.0f |\n", name, weights / 1e6, connections / 1e6, 1e3 / speed,
                 1e9 / speed / connections, memory / 1024 }'
}

repeated() {
    local list=$1
    for ((layer = 1; layer < $2; layer++)); do list="$list, $1"; done
    echo "$list"
}

dense() {
    local weights=$((784 * $1 + ($2 - 1) * $1 * $1 + 10 * $1))
    measure "dense, $2 layers of $1" $weights $weights "inputs = 784, hidden = [$(repeated "$1" "$2")]"
}

# shared or local, maps, layers; kernels of 3 on 28 x 28 places, without pools
maps() {
    local kernels=$((9 * $2 + ($3 - 1) * 9 * $2 * $2)) top=$((784 * $2 * 10))
    local connections=$((784 * kernels + top)) weights=$((kernels + top)) kind=convolutional
    if [ "$1" = local ]; then
        weights=$connections
        kind=local
    fi
    measure "$kind, $3 layers of $2 maps" $weights $connections \
        "inputs = [1, 28, 28], maps = [$(repeated "$2" "$3")], kernels = [3], pools = [1], weights = \"$1\""
}

echo "| network | weights, 10⁶ | connections, 10⁶ | ms a sample | ns a connection | memory, MB |"
echo "|---|---|---|---|---|---|"
for width in 500 1000 2000 4000 8000; do dense $width 2; done
for depth in 4 8 16; do dense 500 $depth; done
for maps in 8 16 32 64; do maps shared $maps 2; done
for depth in 4 8 16; do maps shared 16 $depth; done
for maps in 8 16 32; do maps local $maps 2; done
for depth in 4 8 16; do maps local 16 $depth; done
