# Real services without Docker: PostgreSQL 17 with TimescaleDB and Mosquitto 2, run out of a Debian 13 root
# that debootstrap makes under .services. Needs root on a Debian machine. Sourced by up.sh.

trixie_packages=postgresql-17,postgresql-17-timescaledb,mosquitto
trixie_stamp="trixie $trixie_packages"
postgres_bin=/usr/lib/postgresql/17/bin

trixie_services() {
  if [ "$(uname -s)" != Linux ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "no Docker, and not root on Debian: a real Mosquitto and TimescaleDB cannot be brought up here"
    return 1
  fi
  trixie_build || return 1
  trixie_start || { say "the services in the Debian 13 root did not start"; end mosquitto; end postgres; return 1; }
}

# The archive of Debian that this machine's apt uses.
debian_mirror() {
  # The $(...) are fields of apt's format.
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(ORIGIN)|$(CODENAME)|$(REPO_URI)' 'Created-By: Packages' |
    awk -F'|' '$1 == "Debian" && $2 !~ /-/ { print $3; exit }'
}

trixie_build() {
  if [ "$(cat "$trixie/.complete" 2>/dev/null)" = "$trixie_stamp" ]; then
    return
  fi
  local log=$run/debootstrap.log mirror proxy=
  if ! command -v debootstrap >/dev/null; then
    say "installing debootstrap"
    { apt-get update -q && apt-get install -q -y --no-install-recommends debootstrap; } >"$log" 2>&1 ||
      { say "debootstrap cannot be installed (see $log)"; return 1; }
  fi
  mirror=$(debian_mirror)
  if [ -z "$mirror" ]; then
    apt-get update -q >"$log" 2>&1 || true
    mirror=$(debian_mirror)
  fi
  [ -n "$mirror" ] || { say "apt on this machine knows no Debian archive"; return 1; }
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  say "making a Debian 13 root with PostgreSQL 17, TimescaleDB and Mosquitto 2 (once; about a minute)"
  rm -rf "$trixie" "$trixie.partial"
  mkdir -p "$trixie.partial" || return 1
  # On a noexec or nodev place debootstrap stops at once and says so in the log.
  env ${proxy:+"http_proxy=$proxy"} debootstrap --variant=minbase --include="$trixie_packages" \
    trixie "$trixie.partial" "$mirror" >"$log" 2>&1 </dev/null 9>&- &
  progress_of $! "$log" || { say "debootstrap failed:"; tail -n 5 "$log" >&2; return 1; }
  rm -rf "$trixie.partial/var/cache/apt/archives" "$trixie.partial/var/lib/postgresql/17"
  echo "$trixie_stamp" >"$trixie.partial/.complete"
  mv "$trixie.partial" "$trixie"
}

# progress_of PID LOG: report what it does every ten seconds until it ends; its exit code.
progress_of() {
  local begin=$SECONDS next=$((SECONDS + 10))
  while kill -0 "$1" 2>/dev/null; do
    if [ $SECONDS -ge $next ]; then
      say "  $((SECONDS - begin)) s: $(tail -n 1 "$2" | cut -c1-70)"
      next=$((SECONDS + 10))
    fi
    sleep 0.5
  done
  wait "$1"
}

# in_trixie USER COMMAND...: run in the root and wait.
in_trixie() { $private_mounts "$here/in-root.sh" "$trixie" "$@"; }

# start_in_trixie NAME SIGNALS USER COMMAND...: run in the root in the background and remember its id.
start_in_trixie() {
  local name=$1 signals=$2
  shift 2
  # setsid: a terminal's Ctrl+C is not for them. Every step is an exec, so the id stays the same.
  # shellcheck disable=SC2086
  setsid $private_mounts "$here/in-root.sh" "$trixie" "$@" >"$run/$name.log" 2>&1 </dev/null 9>&- &
  # shellcheck disable=SC2086
  record "$name" $! $signals
}

trixie_start() {
  # Without the right to mount (some containers) PostgreSQL keeps its shared memory in its data folder.
  private_mounts="unshare --mount --propagation private env IN_PRIVATE_MOUNTS=1"
  local memory=posix
  if ! $private_mounts "$here/in-root.sh" "$trixie" postgres true 2>/dev/null; then
    private_mounts=
    memory=mmap
  fi
  # In a condition `set -e` does not hold, so each step says itself whether it succeeded.
  trixie_mosquitto && trixie_postgres "$memory" && write_env trixie \
    "PARKING_TEST_DATABASE_URL=postgresql://parking:$database_password@127.0.0.1:$postgres_port/postgres" \
    "PARKING_TEST_ADMIN_DATABASE_URL=postgresql://postgres:$admin_password@127.0.0.1:$postgres_port/postgres" \
    "PARKING_TEST_DATABASE_KIND=TimescaleDB $(version_of postgresql-17-timescaledb) (Apache edition) on PostgreSQL $(version_of postgresql-17)" \
    "PARKING_TEST_MQTT_URL=mqtt://parking:$mqtt_password@127.0.0.1:$mqtt_port" \
    "PARKING_TEST_MQTT_KIND=Mosquitto $(version_of mosquitto)"
}

version_of() { chroot "$trixie" dpkg-query -W -f '${source:Upstream-Version}' "$1" | sed 's/+dfsg.*//'; }

trixie_mosquitto() {
  mqtt_port=$(free_port)
  mqtt_password=$(new_password)
  rm -rf "$trixie/mosquitto" "$trixie/mosquitto-of-tests"
  mkdir -p "$trixie/mosquitto/config/conf.d" "$trixie/mosquitto/data" || return 1
  cp "$project/deploy/mosquitto/mosquitto.conf" "$trixie/mosquitto/config/" || return 1
  printf 'listener %s 127.0.0.1\n' "$mqtt_port" >"$trixie/mosquitto/config/conf.d/listener.conf"
  chroot "$trixie" chown mosquitto:mosquitto /mosquitto/data
  (umask 077; printf 'parking:%s\n' "$mqtt_password" >"$trixie/mosquitto/data/passwords")
  chroot "$trixie" mosquitto_passwd -U /mosquitto/data/passwords || return 1
  chroot "$trixie" chown mosquitto:mosquitto /mosquitto/data/passwords
  start_in_trixie mosquitto TERM mosquitto /usr/sbin/mosquitto -c /mosquitto/config/mosquitto.conf
  await 20 mosquitto can_connect "$mqtt_port"
}

trixie_postgres() {
  local data=/srv/parking/data config=/srv/parking/postgresql.conf
  postgres_port=$(free_port)
  database_password=$(new_password)
  admin_password=$(new_password)
  rm -rf "$trixie/srv/parking" "$trixie/postgres-of-tests"
  mkdir -p "$trixie$data" || return 1
  chmod 700 "$trixie$data"
  cp "$project/deploy/postgres/postgresql.conf" "$trixie$config" || return 1
  (umask 077; echo "$admin_password" >"$trixie/srv/parking/admin-password")
  chroot "$trixie" chown -R postgres:postgres /srv/parking
  # One command, as a folder in memory vanishes with the command that has it.
  # The "$@" is that shell's.
  # shellcheck disable=SC2016
  IN_MEMORY=$(memory_for "$data") start_in_trixie postgres "INT QUIT" postgres sh -euc \
    '"$0/initdb" -D "$1" -U postgres --pwfile=/srv/parking/admin-password --auth=scram-sha-256 \
      --encoding=UTF8 --locale=C.UTF-8 --no-sync
    exec "$0/postgres" -D "$@"' \
    $postgres_bin $data -c config_file=$config \
    -c hba_file=$data/pg_hba.conf -c ident_file=$data/pg_ident.conf -c listen_addresses=127.0.0.1 \
    -c "port=$postgres_port" -c unix_socket_directories= -c "dynamic_shared_memory_type=$1" \
    -c "fsync=${PARKING_TEST_FSYNC:-on}"
  export PGPASSWORD=$admin_password
  # The tests, like a deployment, use a role without special rights; it may make the tests' databases.
  await 60 postgres admin_sql </dev/null &&
    admin_sql <<<"CREATE ROLE parking LOGIN CREATEDB PASSWORD '$database_password'"
  local code=$?
  unset PGPASSWORD
  rm "$trixie/srv/parking/admin-password"
  return $code
}

# memory_for FOLDER: the folder, if what a crash of the machine may lose can lie in memory: on some file systems
# the hundreds of files of each test's database cost ten times as much as there.
memory_for() {
  local available
  available=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)
  if [ "${PARKING_TEST_FSYNC:-on}" = off ] && [ "$available" -ge 4 ]; then
    echo "$1"
  fi
}

admin_sql() {
  in_trixie postgres $postgres_bin/psql -qX -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$postgres_port" -U postgres postgres
}
