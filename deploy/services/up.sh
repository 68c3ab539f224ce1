#!/usr/bin/env bash
# Bring up a database and a broker for tests and development; write their addresses to .services/env.
# The first of these that is possible: addresses that are set already, Docker, a Debian 13 root (real
# Mosquitto and TimescaleDB, needs root on Linux), the embedded services that come as wheels.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/trixie.sh"
. "$here/docker.sh"

given() {
  local database=${PARKING_TEST_DATABASE_URL:-${PARKING_DATABASE_URL:-}}
  local broker=${PARKING_TEST_MQTT_URL:-${PARKING_MQTT_URL:-}}
  [ -n "$database" ] && [ -n "$broker" ] || return 1
  say "using the database and the broker that the environment names"
  write_env given "PARKING_TEST_DATABASE_URL=$database" "PARKING_TEST_MQTT_URL=$broker" \
    "PARKING_TEST_DATABASE_KIND=database given by the environment" \
    "PARKING_TEST_MQTT_KIND=broker given by the environment"
}

embedded() {
  local python=$project/.venv/bin/python
  [ -x "$python" ] || die "no virtual environment yet: run make services"
  say "using embedded PostgreSQL (without TimescaleDB) and nats-server (instead of Mosquitto)"
  (cd "$project" && exec "$python" -m cli.embedded --env-file "$env_file") \
    >"$run/embedded.log" 2>&1 </dev/null 9>&- &
  record embedded $! TERM
  echo embedded >"$run/kind"
  await 60 embedded test -f "$env_file"
}

mkdir -p "$run"
if command -v flock >/dev/null; then
  exec 9>"$state/lock"
  flock 9
fi
if are_up; then
  say "already up"
else
  "$here/down.sh"
  mkdir -p "$run"
  given || docker_services || trixie_services || embedded || die "no services could be started"
fi
say "ready: $(sed -n "s/^export PARKING_TEST_.*_KIND='\(.*\)'$/\1/p" "$env_file" | paste -sd '+' - | sed 's/+/ + /g')"
say "addresses are in .services/env; stop with: make services-stop"
