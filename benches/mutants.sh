#!/usr/bin/env bash
# Mutation testing of layers and learning: do the tests notice when something in the code is replaced?
#
#   benches/mutants.sh [EVERY [FOLDER]]
#
# The sample is every EVERY-th (18th) of the mutants that cargo-mutants makes of burn-dendrite-nn and
# burn-dendrite-optim at the last commit, in the order of the source: no chance is in it. Left out are `Debug` and
# burn's `ModuleDisplay`, which only print. A mutant meets the unit tests of its own crate; what survives, those of
# burn-dendrite-optim, then the recorded networks, then the random ones (PROPTEST_CASES of each property, 64). That
# takes from seconds to minutes on a core for each, hours for all; it needs
# `cargo install --locked cargo-mutants` (27.1 was used). FOLDER keeps what the tests said.
set -euo pipefail
cd "$(dirname "$0")/.."
every=${1:-18}
out=$(realpath -m "${2:-runs/mutants}")
export PROPTEST_CASES=${PROPTEST_CASES:-64}
# Dependencies are those of any other build; less optimised, the two crates are compiled faster.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_DEBUG=false
rm -rf "$out"
mkdir -p "$out"
# Mutants are written into a copy.
git clone --quiet . "$out/source"
cd "$out/source"
status=0
cargo mutants --in-place --output "$out" --package burn-dendrite-nn --package burn-dendrite-optim \
    --exclude-re 'Debug for|ModuleDisplay' --shard "0/$every" --sharding round-robin \
    --minimum-test-timeout 120 --cargo-arg --locked --cargo-arg --lib || status=$?
# 2: some were missed; 3: some ran without end.
[ "$status" -eq 0 ] || [ "$status" -eq 2 ] || [ "$status" -eq 3 ]
out+=/mutants.out

# Who catches it, of a mutant that is in the source now.
caught_by() {
    cargo test --locked --package burn-dendrite-optim --lib || { echo learning >>"$out/later.txt" && return; }
    cargo test --locked --test parity || { echo recorded >>"$out/later.txt" && return; }
    cargo test --locked --test integration -- properties:: || { echo random >>"$out/later.txt" && return; }
    echo "missed $1" >>"$out/later.txt"
}
: >"$out/later.txt"
while IFS=: read -r file line column what; do
    for diff in "$out/diff/${file//\//__}_line_${line}_col_$column"*.diff; do
        [ "$(sed -n '2s/^+++ //p' "$diff")" = "${what# }" ] || continue
        patch --quiet "$file" "$diff"
        caught_by "$file:$line:$column:$what" </dev/null >"${diff%.diff}.later" 2>&1
        git checkout --quiet "$file"
    done
done <"$out/missed.txt"

count() {
    grep -c "^$1" "$out/later.txt" || true
}
echo "not compiled:                           $(wc -l <"$out/unviable.txt")"
echo "caught by the unit tests of the crate:  $(wc -l <"$out/caught.txt")"
echo "without end, which is noticed too:      $(wc -l <"$out/timeout.txt")"
echo "then by those of burn-dendrite-optim:   $(count learning)"
echo "then by recorded networks:              $(count recorded)"
echo "then by random networks:                $(count random)"
echo "missed:                                 $(count missed)"
grep '^missed' "$out/later.txt" || true
