# A PostgreSQL of our own, in a folder that is gone at the end; to be read in by other scripts.
# shellcheck shell=bash

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}
is_root() { [ "$(id -u)" -eq 0 ]; }

# Debian keeps the server's commands off the path; the newest version counts.
postgres_bin() {
    local initdb
    initdb=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1 ||
        true)
    [ -n "$initdb" ] || initdb=$(command -v initdb || true)
    [ -z "$initdb" ] || dirname "$initdb"
}

PG_FOLDER=
PG_USER=

# PostgreSQL refuses to run as root.
as_pg() {
    if is_root; then
        (cd / && runuser -u "$PG_USER" -- "$@")
    else
        "$@"
    fi
}

stop_postgres() {
    if [ -n "$PG_FOLDER" ]; then
        as_pg "$(postgres_bin)/pg_ctl" -D "$PG_FOLDER/data" -m immediate stop >/dev/null 2>&1
        rm -rf "$PG_FOLDER"
    fi
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(
        s.getsockname()[1])'
}

# With these options of the server besides; its address is then in PG_URL.
start_postgres() {
    local bin port log
    bin=$(postgres_bin)
    [ -n "$bin" ] || fail "missing: postgresql; install it with your package manager"
    port=$(free_port)
    PG_USER=$(id -un)
    if is_root; then
        # Debian's package makes a user for it.
        PG_USER=postgres
        id "$PG_USER" >/dev/null 2>&1 ||
            useradd --system --no-create-home --shell /usr/sbin/nologin "$PG_USER" ||
            fail "useradd could not make the user $PG_USER, as whom PostgreSQL runs"
    fi
    trap stop_postgres EXIT
    trap 'exit 130' INT TERM
    PG_FOLDER=$(mktemp -d /tmp/kari-postgres.XXXXXX) || fail "mktemp failed"
    is_root && chown "$PG_USER" "$PG_FOLDER"
    log=$(mktemp)
    as_pg "$bin/initdb" -D "$PG_FOLDER/data" -U kari -A trust -E UTF8 --locale=C --no-sync \
        >"$log" 2>&1 || fail "initdb failed: $(tail -n 3 "$log")"
    as_pg "$bin/pg_ctl" -D "$PG_FOLDER/data" -l "$PG_FOLDER/data/log" -w -t 60 start -o "\
        -p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$PG_FOLDER \
        -c max_connections=200 $1" >"$log" 2>&1 ||
        fail "PostgreSQL did not start: $(cat "$log" "$PG_FOLDER/data/log")"
    rm -f "$log"
    # shellcheck disable=SC2034  # for those who read this file in
    PG_URL="postgres://kari@127.0.0.1:$port/postgres"
}
