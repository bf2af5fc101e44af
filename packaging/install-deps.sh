#!/usr/bin/env bash
# Installs what is missing on Debian 12, and says what it does. With everything there it does nothing
# and needs no network. Works as root or through sudo, with and without systemd.
#
#   packaging/install-deps.sh GROUP…      build run test bench format tidy fuzz
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "deps: $*"; }
fail() {
  echo "deps: $1" >&2
  shift
  for line in "$@"; do echo "      $line" >&2; done
  exit 1
}

packages_of() {
  case "$1" in
    build) echo g++ cmake ninja-build ccache libpq-dev libboost1.81-dev libfmt-dev libspdlog-dev \
      libcli11-dev libtomlplusplus-dev prometheus-cpp-dev nlohmann-json3-dev libxxhash-dev libsimdjson-dev \
      libgtest-dev ;;
    run) echo postgresql-15 postgresql-client-15 tzdata ;;
    test) echo python3 python3-pytest python3-pytest-xdist python3-psycopg clang-format-14 \
      openssl pgbouncer faketime postgresql-15-pglogical ;;
    bench) echo libbenchmark-dev python3 python3-psycopg ;;
    format) echo clang-format-14 ;;
    tidy) echo clang-tidy-19 ;;
    fuzz) echo clang-19 libclang-rt-19-dev ;;
    *) fail "no such group: $1" "Groups: build run test bench format tidy fuzz." ;;
  esac
}

# Any server with its tools will do, not only Debian's own version.
has_postgresql() {
  local folder
  for folder in /usr/lib/postgresql/*/bin; do
    [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && [ -x "$folder/pgbench" ] &&
      command -v psql > /dev/null && return 0
  done
  return 1
}

is_installed() {
  case "$1" in
    postgresql-15 | postgresql-client-15) has_postgresql && return 0 ;;
  esac
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null || true)" = installed ]
}

# Package names on standard output, one per line: what is needed and not there.
missing_packages() {
  local group package
  for group in "$@"; do
    for package in $(packages_of "$group"); do
      is_installed "$package" || echo "$package"
    done
  done | sort -u
  # npm brings DuckDB and, for the tests, PostgreSQL servers and a client. A node that came from
  # elsewhere keeps its own npm: Debian's would replace it.
  if needs_npm "$@" && ! command -v npm > /dev/null; then
    if command -v node > /dev/null && ! is_installed nodejs; then
      fail "node is installed, but not npm" \
        "Install npm the way node was installed, or set DUCKDB_ROOT to a DuckDB of your own."
    fi
    echo npm
  fi
}

needs_npm() {
  local group
  for group in "$@"; do
    case "$group" in
      build) [ -n "${DUCKDB_ROOT:-}" ] || is_current packaging/duckdb || return 0 ;;
      test) command -v node > /dev/null && is_current tests/e2e/clients &&
        is_current packaging/postgres || return 0 ;;
    esac
  done
  return 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

install_packages() {
  local missing=("$@")
  if ! command -v apt-get > /dev/null || ! command -v dpkg-query > /dev/null; then
    fail "this is not Debian: cannot install packages here" \
      "Needed, by Debian 12's names: ${missing[*]}" "Install their equivalents, then call cmake."
  fi
  if [ "$(id -u)" != 0 ] && ! command -v sudo > /dev/null; then
    fail "packages are missing, and there is no sudo" \
      "As root: apt-get install --no-install-recommends ${missing[*]}"
  fi
  say "installing with apt-get: ${missing[*]}"
  local dropin=
  if [[ " ${missing[*]} " == *" postgresql-15 "* ]]; then
    # The demo and the tests start servers of their own; a cluster that starts with the machine would
    # only be in the way. The setting goes again afterwards.
    dropin=/etc/postgresql-common/createcluster.d/freshet.conf
    as_root mkdir -p "$(dirname "$dropin")"
    echo "create_main_cluster = false" | as_root tee "$dropin" > /dev/null
    say "PostgreSQL is installed without a cluster of its own: nothing of it runs"
  fi
  local policy=
  if [[ " ${missing[*]} " == *" pgbouncer "* ]]; then
    # The tests start their own; the service that the package brings stays off.
    [ -e /usr/sbin/policy-rc.d ] || policy=/usr/sbin/policy-rc.d
    [ -z "$policy" ] || {
      printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" > /dev/null
      as_root chmod 755 "$policy"
    }
    say "PgBouncer is installed without its service running"
  fi
  local log status=0
  log=$(mktemp)
  {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update &&
      as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends \
        "${missing[@]}"
  } > "$log" 2>&1 < /dev/null || status=$?
  [ -z "$dropin" ] || as_root rm -f "$dropin"
  [ -z "$policy" ] || as_root rm -f "$policy"
  if [[ " ${missing[*]} " == *" pgbouncer "* ]] && command -v update-rc.d > /dev/null; then
    as_root update-rc.d pgbouncer disable > /dev/null 2>&1 || true
  fi
  if [ "$status" != 0 ]; then
    tail -n 30 "$log" >&2
    fail "apt-get failed; the whole output is in $log" \
      "Needed, by Debian 12's names: ${missing[*]}"
  fi
  rm -f "$log"
}

# npm packages of a folder are current when they were installed from the lock file as it is now.
is_current() {
  [ -f "$1/node_modules/.freshet-lock" ] &&
    [ "$(cat "$1/node_modules/.freshet-lock")" = "$(lock_hash "$1")" ]
}
lock_hash() { sha256sum < "$1/package-lock.json" | cut -d ' ' -f 1; }

install_npm() {
  local folder=$1 what=$2 finish=${3:-:} log
  is_current "$folder" && return 0
  say "installing $what with npm into $folder/node_modules (pinned by its lock file)"
  log=$(mktemp)
  # No scripts: DuckDB's would build or fetch what we do not use.
  if ! (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund) > "$log" 2>&1 < /dev/null; then
    tail -n 30 "$log" >&2
    fail "npm failed; the whole output is in $log"
  fi
  rm -f "$log"
  "$finish" "$folder"
  lock_hash "$folder" > "$folder/node_modules/.freshet-lock"
}

# The servers' libraries come under their full names; the loader looks for shorter ones.
link_libraries() {
  local libraries
  for libraries in "$1"/node_modules/*/native/lib; do
    [ ! -d "$libraries" ] || /sbin/ldconfig -n "$libraries"
  done
}

main() {
  local group missing
  for group in "$@"; do packages_of "$group" > /dev/null; done
  missing=$(missing_packages "$@")
  # shellcheck disable=SC2086  # one word per package
  [ -z "$missing" ] || install_packages $missing
  for group in "$@"; do
    case "$group" in
      build)
        if [ -z "${DUCKDB_ROOT:-}" ]; then
          [ "$(uname -m)" = x86_64 ] || fail "no pinned DuckDB for $(uname -m)" \
            "Set DUCKDB_ROOT to a prefix with include/duckdb.h and lib/libduckdb.so."
          install_npm packaging/duckdb "DuckDB"
        fi ;;
      test)
        [ "$(uname -m)" = x86_64 ] || fail "no PostgreSQL servers of every version for $(uname -m)" \
          "The tests of versions need an x86_64 machine; the other tests can be run without make."
        install_npm packaging/postgres "a PostgreSQL of each version, 10 to 18" link_libraries
        install_npm tests/e2e/clients "the node-postgres test client" ;;
    esac
  done
}

main "$@"
