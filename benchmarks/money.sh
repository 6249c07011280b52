#!/usr/bin/env bash
# Durable sales and entries, on SQLite and on a PostgreSQL that is started for it:
#   bash benchmarks/money.sh [--quick] [--json]
#
# The server waits for its disk as a site's would; PostgreSQL and pgbench have to be installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=tests/postgres.sh
. tests/postgres.sh
cargo build --release --package daemon
start_postgres ""
"${CARGO_TARGET_DIR:-target}/release/kari" bench money --server "$PG_URL" "$@"
