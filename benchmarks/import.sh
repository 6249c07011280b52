#!/usr/bin/env bash
# How long `kari import` takes for a table of members, from the command to all rows in the database:
#   bash benchmarks/import.sh [ROWS] [--server]
#
# 100,000 rows without a number. The site is a new one that nothing runs, its database a file; with
# --server it is a PostgreSQL that is started for it and waits for its disk as a site's would.
# Afterwards somebody is found by name, and `kari verify` walks all that was written.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rows=100000
server=
for argument in "$@"; do
    case "$argument" in
    --server) server=yes ;;
    *) rows=$argument ;;
    esac
done

cargo build --release --package daemon
kari=$(realpath "${CARGO_TARGET_DIR:-target}/release/kari")
folder=$(mktemp -d)
forget() { rm -rf "$folder"; }
trap forget EXIT
if [ -n "$server" ]; then
    # shellcheck source=tests/postgres.sh
    . tests/postgres.sh
    start_postgres ""
    trap 'stop_postgres; forget' EXIT
fi

python3 benchmarks/members.py "$rows" >"$folder/members.csv"
"$kari" init "$folder/site" >"$folder/log"
if [ -n "$server" ]; then
    printf '\n[database]\nurl = "%s"\n' "$PG_URL" >>"$folder/site/site.toml"
fi
timed() {
    local from
    from=$(date +%s.%N)
    "$@" >>"$folder/log" 2>&1 || {
        tail -n 20 "$folder/log" >&2
        exit 1
    }
    printf '%-14s %6.1f s\n' "$2" "$(echo "$(date +%s.%N) - $from" | bc)"
}
printf '%s members\n' "$rows"
timed "$kari" import "$folder/site" "$folder/members.csv" --as members
timed "$kari" verify "$folder/site"
