#!/usr/bin/env bash
# Stop every service that up.sh started, by its process id, and forget their addresses.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

[ -d "$run" ] || exit 0
if [ "$(cat "$run/kind" 2>/dev/null)" = docker ]; then
  . "$here/docker.sh"
  compose down --volumes --timeout 20
fi
for name in embedded mosquitto postgres; do
  if is_running "$name"; then
    say "stopping $name"
  fi
  end "$name"
done
rm -rf "$env_file" "$run"
