# What up.sh, down.sh and with.sh share. Sourced; bash 3.2 (macOS) is enough.

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
state=$project/.services
run=$state/run
env_file=$state/env
trixie=$state/trixie
compose_project=parking-test

say() { printf 'services: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# When a process started, in clock ticks since boot: tells it from a later one with the same id.
started_at() {
  if [ -r "/proc/$1/stat" ]; then
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
  else
    ps -o lstart= -p "$1" 2>/dev/null
  fi
}

# record NAME PID SIGNAL...: remember a process and the signals that end it, gentle first.
record() {
  local name=$1 pid=$2
  shift 2
  printf '%s\n%s\n%s\n' "$pid" "$(started_at "$pid")" "$*" >"$run/$name.pid"
}

# is_running NAME: the process recorded under this name still runs.
is_running() {
  [ -f "$run/$1.pid" ] || return 1
  { read -r pid; read -r start; } <"$run/$1.pid"
  [ -n "$start" ] && [ "$(started_at "$pid")" = "$start" ]
}

# end NAME: ask the recorded process to end, ever less politely, and wait until it has.
end() {
  local pid start signals signal tenth
  [ -f "$run/$1.pid" ] || return 0
  { read -r pid; read -r start; read -r signals; } <"$run/$1.pid"
  for signal in $signals KILL; do
    is_running "$1" || break
    kill "-$signal" "$pid" 2>/dev/null || true
    tenth=0
    while is_running "$1" && [ $tenth -lt 150 ]; do
      sleep 0.1
      tenth=$((tenth + 1))
    done
  done
  rm -f "$run/$1.pid"
}

# await SECONDS NAME COMMAND...: poll until the command succeeds; fail with the end of the log of the recorded
# process when the time is over or the process has ended.
await() {
  local deadline=$((SECONDS + $1)) name=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -gt $deadline ] || ! is_running "$name"; then
      say "$name does not answer. The end of its log:"
      tail -n 20 "$run/$name.log" >&2
      return 1
    fi
    sleep 0.1
  done
}

# can_connect PORT: somebody listens on this loopback port.
can_connect() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port: a loopback port that nobody listens on, below the range of ports for outgoing connections.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    can_connect $port || { echo $port; return; }
  done
}

new_password() { head -c 18 /dev/urandom | base64 | tr '+/' '-_'; }

# are_up: the services of an earlier `up.sh` still run.
are_up() {
  [ -f "$env_file" ] || return 1
  case $(cat "$run/kind" 2>/dev/null) in
    trixie) is_running postgres && is_running mosquitto ;;
    embedded) is_running embedded ;;
    docker) docker compose -p "$compose_project" ps --status running -q 2>/dev/null | grep -q . ;;
    *) return 1 ;;
  esac
}

# write_env KIND NAME=VALUE...: publish the addresses, readable by this user only, whole or not at all.
write_env() {
  local pair
  echo "$1" >"$run/kind"
  shift
  (umask 077; for pair in "$@"; do printf "export %s='%s'\n" "${pair%%=*}" "${pair#*=}"; done >"$env_file.partial")
  mv "$env_file.partial" "$env_file"
}
