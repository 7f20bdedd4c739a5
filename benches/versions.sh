#!/usr/bin/env bash
# Training speed of this program over that of another one, such as an earlier version: each preset at batch 1 and 128 on
# MNIST, one thread, the two programs in turn, the median of five ratios, as lines of Markdown. A quarter of an hour.
#
#   benches/versions.sh OTHER [PRESET…]
#
# OTHER is the other program. DENDRITE names a binary of this one that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
other=${1:?the other program}
shift
[ $# -gt 0 ] || set -- mnist-dtp mnist-dtp-btsp mnist-backprop-ei
dendrite=${DENDRITE:-target/debug/dendrite}
[ -n "${DENDRITE:-}" ] || cargo build --locked --quiet

# program, preset, batch size
speed() {
    "$1" bench "$2" --dataset mnist --batch-size "$3" --threads 1 --window 1000 --windows 3 --json |
        sed -n 's/.*"median":\([0-9.]*\).*/\1/p'
}

echo "| preset | batch 1 | batch 128 |"
echo "|---|---|---|"
for preset in "$@"; do
    echo -n "| \`$preset\` |"
    for batch in 1 128; do
        for _ in 1 2 3 4 5; do
            echo "$(speed "$dendrite" "$preset" $batch) $(speed "$other" "$preset" $batch)"
        done | awk '{ print $1 / $2 }' | sort -n | awk 'NR == 3 { printf " %.2f |", $1 }'
    done
    echo
done
