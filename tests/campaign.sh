#!/usr/bin/env bash
# The long forms of four tests:   bash tests/campaign.sh
#
# The daemon is killed 200 times under load through each broker, its rules are changed 5,000 times,
# the shipped rules are held against the reference on 1,000,000 cases, and 20,000 sequences of
# events run under good and hostile rules. KARI_CRASH_ROUNDS, KARI_RELOADS, KARI_REFERENCE_PROFILES
# (100 cases each) and KARI_SEQUENCES change how often; KARI_REFERENCE_SEED and KARI_SEQUENCES_SEED
# change the cases.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export PATH="$PATH:/usr/sbin:/sbin"
export KARI_CRASH_ROUNDS="${KARI_CRASH_ROUNDS:-200}"
export KARI_RELOADS="${KARI_RELOADS:-5000}"
export KARI_REFERENCE_PROFILES="${KARI_REFERENCE_PROFILES:-10000}"
export KARI_SEQUENCES="${KARI_SEQUENCES:-20000}"

cargo test --package tests --test reference -- --nocapture
cargo test --package tests --test sequences -- --nocapture
cargo build --workspace
cargo test --workspace --test journeys -- --include-ignored --nocapture \
    killed_under_load a_thousand_reloads
