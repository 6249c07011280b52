#!/usr/bin/env bash
# The long forms of two journeys:   bash tests/campaign.sh
#
# The daemon is killed 200 times under load through each broker, and its rules are changed 5,000
# times. KARI_CRASH_ROUNDS and KARI_RELOADS change how often.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export PATH="$PATH:/usr/sbin:/sbin"
export KARI_CRASH_ROUNDS="${KARI_CRASH_ROUNDS:-200}"
export KARI_RELOADS="${KARI_RELOADS:-5000}"

cargo build --workspace
cargo test --workspace --test journeys -- --nocapture killed_under_load a_thousand_reloads
