#!/usr/bin/env bash
# The long forms of tests:   bash tests/campaign.sh
#
# The daemon is killed 1,000 times under load in each kill journey, its rules are changed 5,000
# times, the shipped rules are held against the reference on 2,000,000 cases, 200,000 sequences of
# events run under good and hostile rules, 50 spends race for a last coin 10,000 times, 64 writers
# storm 200 times, 1,000 random days are sold at a till, 10,000 random changes are made behind the
# back of each database (1,000 in one of a whole month), every statement of the store fails 50 times
# in each way, 100,000 events come as a flood with 100 kills among them, five kinds of mad client
# work for 20 minutes, and 10,000 random tables are previewed, tried and imported. Every shipped
# rule is changed in every place, and the deciding core in a hundred places by chance, to see that
# tests notice. `kari bench` measures a site of few people.
# KARI_CRASH_ROUNDS, KARI_RELOADS, KARI_FAULTS, KARI_REFERENCE_PROFILES (100 cases each),
# KARI_SEQUENCES, KARI_RACES (a tenth of them on PostgreSQL, with two daemons), KARI_STORMS,
# KARI_TILL_DAYS and KARI_TAMPERS change how often, KARI_FLOOD_SECONDS how long one mad device
# floods, KARI_FIRE_KILLS how often a fire is killed, KARI_FLOOD_KILLS how often the daemon is
# killed while devices flood it (1,000 events for each), KARI_MAD_SECONDS how long five kinds of mad
# client are at work, KARI_TABLES how many tables are tried, KARI_MUTANTS how many changes of rules
# (`all`), KARI_MUTANTS_SHARD=k/n which part of those of the core, 0/1 for all (tests/mutants.sh);
# KARI_REFERENCE_SEED changes its cases; KARI_SEQUENCES_SEED, KARI_STORM_SEED, KARI_RACE_SEED,
# KARI_TILL_SEED, KARI_PAPER_SEED, KARI_PARTS_SEED, KARI_EARNED_SEED, KARI_CORRECTIONS_SEED,
# KARI_MUTANTS_SEED, KARI_TAMPER_SEED, KARI_FLOOD_SEED and KARI_TABLES_SEED repeat what a run
# printed. What they need is what tests/run.sh installs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=tests/postgres.sh
. tests/postgres.sh
start_postgres "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
export KARI_TEST_POSTGRES_URL=$PG_URL KARI_TESTS_ALL=1
export PATH="$PATH:/usr/sbin:/sbin"
export KARI_CRASH_ROUNDS="${KARI_CRASH_ROUNDS:-1000}"
export KARI_RELOADS="${KARI_RELOADS:-5000}"
export KARI_REFERENCE_PROFILES="${KARI_REFERENCE_PROFILES:-20000}"
export KARI_SEQUENCES="${KARI_SEQUENCES:-200000}"
export KARI_RACES="${KARI_RACES:-10000}"
export KARI_STORMS="${KARI_STORMS:-200}"
export KARI_TILL_DAYS="${KARI_TILL_DAYS:-1000}"
export KARI_FLOOD_SECONDS="${KARI_FLOOD_SECONDS:-120}"
export KARI_FIRE_KILLS="${KARI_FIRE_KILLS:-30}"
export KARI_FLOOD_KILLS="${KARI_FLOOD_KILLS:-100}"
export KARI_MAD_SECONDS="${KARI_MAD_SECONDS:-1200}"
export KARI_TAMPERS="${KARI_TAMPERS:-10000}"
export KARI_FAULTS="${KARI_FAULTS:-50}"
export KARI_TABLES="${KARI_TABLES:-10000}"
export KARI_MUTANTS="${KARI_MUTANTS:-all}"

cargo test --package tests --test reference -- --nocapture
cargo test --package tests --test sequences -- --nocapture
cargo test --package tests --test sales -- --nocapture whatever_is_ordered
cargo test --package store --test tamper -- --nocapture what_is_changed
KARI_TAMPERS=$((KARI_TAMPERS / 10)) \
    cargo test --package tests --test books -- --nocapture what_is_changed_in_a_month
cargo run --release --package store --example verify_speed -- 1000000
cargo test --package daemon driven -- --nocapture --test-threads 1
cargo build --workspace
cargo test --workspace --test journeys -- --nocapture \
    killed_under_load a_thousand_reloads one_mad_device a_fire_that_was_acknowledged \
    acknowledged_in_a_flood five_kinds_of_mad_clients of_random_tables
target/debug/kari bench --quick --people 2000
bash tests/mutants.sh
