#!/usr/bin/env bash
# How fast the mirrored networks train, beside the products of matrices of the same step: dense and in maps, with
# twice the maps and with a quarter and four times the area. One thread; run it on a machine that does nothing else:
# three minutes.
#
#   benches/mirrored.sh [FOLDER FOR THE SPECIFICATIONS]
#
# DENDRITE names a binary that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-runs/mirrored}
dendrite=${DENDRITE:-target/debug/dendrite}
[ -n "${DENDRITE:-}" ] || cargo build --locked --quiet
mkdir -p "$out"
"$dendrite" bench mnist-mirrored-dtp --batch-size 1,10,100 --threads 1
cat >"$out/online.toml" <<'END'
name = "mnist-mirrored-online"
anatomy = { kind = "mirrored", inputs = 784, hidden = [500, 500], outputs = 10 }
optimizer = { kind = "sgd" }
batch_scaling = "none"
END
"$dendrite" bench "$out/online.toml" --batch-size 1 --window 5000 --threads 1
"$dendrite" bench mnist-conv-dtp --batch-size 50 --window 1000 --threads 1
# side of the images, maps
maps() {
    local file="$out/maps-$1-${2%%,*}.toml"
    cat >"$file" <<END
name = "$1 x $1 units, maps $2"
data = { encoding = "on_off_standard", size = [$1, $1] }
anatomy = { kind = "mirrored", inputs = [6, $1, $1], maps = [$2], outputs = 10, strength = 0.1 }
optimizer = { kind = "adam", epsilon = 1e-8 }
batch_scaling = "none"
END
    "$dendrite" bench "$file" --dataset cifar10 --batch-size 50 --window 500 --windows 3 --threads 1
}
maps 16 "32, 64, 128"
maps 32 "32, 64, 128"
maps 64 "32, 64, 128"
maps 32 "64, 128, 256"
