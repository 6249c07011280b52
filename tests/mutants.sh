#!/usr/bin/env bash
# Plants changes in the deciding core, one at a time, and looks whether tests notice:
#
#     bash tests/mutants.sh
#
# .cargo/mutants.toml names what is changed. The tests are those that need no database and start no
# program, and of those by chance the short forms; the slow ones are asked only about what the quick
# ones do not notice. KARI_MUTANTS_SHARD=k/n plants every n-th change from the k-th on; without it
# about a hundred by chance are planted, and 0/1 is all of them, which takes a day. At least 95 of
# 100 have to be noticed; the others are listed. cargo-mutants is installed where it is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PARTS=40
readonly NOTICED_MIN=95
readonly OUT=target/mutants-found
# What is built thousands of times is built quickly, without database and devices.
readonly BUILD=(
    --no-default-features
    --config=profile.dev.debug=0
    --config=profile.dev.package.domain.opt-level=0
)
# House rules are not among them: a line that grew too long makes no other decision.
readonly QUICK=(
    --lib --test=failures --test=freshness --test=gathered --test=imports --test=media
    --test=passages --test=registry --test=reference --test=sales --test=scenarios --test=sequences
)
readonly SLOW=(--lib --test=window_reference --test=rules --test=sales --test=reference)
readonly SKIPPED=(
    -- --skip=a_few_have_lines_of_their_own_and_a_flood_has_few
    --skip=whatever_comes_back_in_whatever_pieces
)
# Built again and again in one place, and always with the same cases.
export CARGO_TARGET_DIR=$PWD/target/mutants CARGO_INCREMENTAL=1
export KARI_MUTANTS=0 KARI_REFERENCE_PROFILES=60 PROPTEST_CASES=32
export KARI_SEQUENCES=60 KARI_SEQUENCES_SEED=1 KARI_TILL_DAYS=10 KARI_TILL_SEED=1

# plant PASS CARGO_ARGS... -- MUTANTS_ARGS...: the pass's lists are in its folder.
plant() {
    local pass=$1 status=0
    local -a build=("${BUILD[@]}")
    shift
    while [ "$1" != -- ]; do
        build+=("$1")
        shift
    done
    shift
    mkdir -p "$OUT/$pass"
    # A test that fails already is not asked: it would notice everything.
    nice cargo mutants --baseline=skip --timeout=300 --colors=never --output="$OUT/$pass" \
        --test-package=domain,rules,tests "${build[@]/#/--cargo-arg=}" "$@" || status=$?
    # 2 is for changes that nobody noticed, 3 for tests that did not end.
    case $status in 0 | 2 | 3) ;; *) exit "$status" ;; esac
}

# What was built last may have a change in it, and be newer than the files.
passes() {
    cargo clean --quiet --package=domain
    nice cargo test --package=domain --package=rules --package=tests "${BUILD[@]}" "$@"
}

count() { cat "${@/#/$OUT/}" | wc -l; }

cargo mutants --version >/dev/null 2>&1 || cargo install cargo-mutants --locked
shard=${KARI_MUTANTS_SHARD:-$((RANDOM % PARTS))/$PARTS}
echo "KARI_MUTANTS_SHARD=$shard repeats this run"
rm -rf "$OUT"

passes "${QUICK[@]}" "${SKIPPED[@]}"
plant quick "${QUICK[@]}" -- --sharding=round-robin --shard="$shard" \
    "${SKIPPED[@]/#/--cargo-test-arg=}"
found=quick/mutants.out
all=$(count $found/caught.txt $found/timeout.txt $found/missed.txt)

# Those by chance have their whole length now. Of as many parts as there are changes, each is a part
# of its own.
export KARI_REFERENCE_PROFILES=1000 KARI_SEQUENCES=300 KARI_TILL_DAYS=30
mapfile -t planted < <(cargo mutants --list --colors=never)
left=0
[ ! -s "$OUT/$found/missed.txt" ] || passes "${SLOW[@]}"
while read -r missed <&3; do
    for place in "${!planted[@]}"; do
        [ "${planted[$place]}" != "$missed" ] || break
    done
    plant "slow-$place" "${SLOW[@]}" -- --sharding=round-robin --shard="$place/${#planted[@]}"
    if [ -s "$OUT/slow-$place/mutants.out/missed.txt" ]; then
        left=$((left + 1))
        echo "nobody notices: $missed"
    fi
done 3<"$OUT/$found/missed.txt"

echo "$((all - left)) of $all noticed"
(((all - left) * 100 >= all * NOTICED_MIN))
