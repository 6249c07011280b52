#!/usr/bin/env bash
# Installs what the tests need and runs every test:   bash tests/run.sh
#
# With root the needs are installed by the package manager; without it, what is missing is named
# with the command that installs it. Nothing outside of the repository is changed otherwise: Python
# packages go to target/test-venv, PostgreSQL runs in a folder of its own and is gone at the end.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Debian puts servers where only root looks for commands.
export PATH="$PATH:/usr/sbin:/sbin"

readonly PYMODBUS=3.16.1
readonly BEANCOUNT=3.2.3
readonly VENV=target/test-venv
readonly LOG=target/test-run.log

say() { printf '\n== %s\n' "$*"; }
has() { command -v "$1" >/dev/null 2>&1; }
# shellcheck source=tests/postgres.sh
. tests/postgres.sh

# --- What the tests need -------------------------------------------------------------------------

# Debian leaves ensurepip to a package of its own, without which an environment has no pip.
can_make_venv() { python3 -c 'import ensurepip, venv' >/dev/null 2>&1; }

missing_packages() {
    { has cc && has make; } || echo build-essential
    has mosquitto || echo mosquitto
    has mosquitto_pub || echo mosquitto-clients
    [ -n "$(postgres_bin)" ] || echo postgresql
    has hledger || echo hledger
    has pgbouncer || echo pgbouncer
    has openssl || echo openssl
    has python3 || echo python3
    can_make_venv || echo python3-venv
}

# The packages start their servers at once; the tests start their own. Only those that this run
# brought along are stopped: a server that was here before belongs to somebody.
stop_services() {
    local name
    for name in "$@"; do
        if [ -d /run/systemd/system ]; then
            systemctl disable --now "$name" >/dev/null 2>&1 || true
        elif has service; then
            service "$name" stop >/dev/null 2>&1 || true
        fi
    done
}

install_packages() {
    local missing services
    missing=$(missing_packages | xargs)
    [ -n "$missing" ] || return 0
    if ! has apt-get; then
        fail "missing: $missing (Debian's names); install them with your package manager, run again"
    fi
    if ! is_root; then
        fail "missing: $missing; run: sudo apt-get update && sudo apt-get install -y $missing"
    fi
    say "installing $missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq || fail "apt-get update failed; look at its messages above"
    # shellcheck disable=SC2086  # a list of words
    apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
        fail "apt-get could not install: $missing"
    services=$(printf '%s\n' $missing | grep -x -e mosquitto -e postgresql -e pgbouncer || true)
    # shellcheck disable=SC2086  # a list of words
    stop_services $services
    missing=$(missing_packages | xargs)
    [ -z "$missing" ] || fail "still missing after the installation: $missing"
}

check_rust() {
    if ! has cargo && [ -f "${CARGO_HOME:-$HOME/.cargo}/env" ]; then
        # shellcheck disable=SC1091  # written by rustup
        . "${CARGO_HOME:-$HOME/.cargo}/env"
    fi
    has cargo || fail "missing: Rust; install it from https://rustup.rs, then run this again"
    if ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
        fail "missing: rustfmt or clippy; run: rustup component add rustfmt clippy"
    fi
}

# Debian's own Python takes no packages from pip, so the peers live in an environment.
make_venv() {
    local python=$VENV/bin/python
    if [ "$("$python" -c 'import beancount, pymodbus; print(
        pymodbus.__version__, beancount.__version__)' 2>/dev/null)" != "$PYMODBUS $BEANCOUNT" ]
    then
        say "Python peers in $VENV"
        python3 -m venv --clear $VENV || fail "python3 could not make $VENV"
        "$python" -m pip install -q --disable-pip-version-check "pymodbus==$PYMODBUS" \
            "beancount==$BEANCOUNT" ||
            fail "pip could not install them; is the package registry reachable?"
    fi
    KARI_TEST_PYTHON=$PWD/$python
    export KARI_TEST_PYTHON
}

# --- The parts -----------------------------------------------------------------------------------

TIMES=
BROKEN=

part() {
    local name=$1 start=$SECONDS
    shift
    say "$name: $*"
    if "$@"; then
        TIMES+="$name $((SECONDS - start)) s, "
    else
        TIMES+="$name FAILED after $((SECONDS - start)) s, "
        BROKEN+=" $name"
    fi
}

run_tests() {
    cargo test --workspace --no-fail-fast 2>&1 | tee "$LOG"
    return "${PIPESTATUS[0]}"
}

# Adds up the closing lines of all test programs, without the colours that the caller may have on.
count() {
    sed 's/\x1b\[[0-9;]*m//g' "$LOG" | awk -v what="$1;" '
        /^test result:/ { for (i = 2; i <= NF; i++) if ($i == what) sum += $(i - 1) }
        END { print sum + 0 }'
}

main() {
    mkdir -p target
    check_rust
    install_packages
    make_venv
    # Nothing of it is kept, so nothing needs to reach a disk.
    start_postgres "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    export KARI_TEST_POSTGRES_URL=$PG_URL
    # From here on a peer that is missing is a failure.
    export KARI_TESTS_ALL=1

    part format cargo fmt --all --check
    part clippy cargo clippy --workspace --all-targets -- -D warnings
    # Journeys start the programs themselves; they are built with the tests, but not run here.
    part build cargo build --workspace
    part compile cargo test --workspace --no-run
    part test run_tests

    printf '\n%sall %s s\n' "$TIMES" "$SECONDS"
    local counts
    counts="$(count passed) passed, $(count failed) failed, $(count ignored) ignored"
    if [ -n "$BROKEN" ]; then
        grep -h '^test .* FAILED' "$LOG" || true
        printf 'FAILED (%s): %s\n' "${BROKEN# }" "$counts"
        exit 1
    fi
    printf 'ok: %s\n' "$counts"
}

main "$@"
