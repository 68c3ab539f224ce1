#!/usr/bin/env bash
# Run a command with the services up, and stop them afterwards whatever its result, unless they were up
# before. Exits with the command's code.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

if ! are_up; then
  trap '"$here/down.sh"' EXIT
fi
# The command gets a terminal's Ctrl+C too; wait for it, then clean up.
trap : INT
trap 'kill -TERM "${child:-}" 2>/dev/null || true' TERM HUP
if ! are_up; then
  "$here/up.sh"
fi
# A command in the background would ignore Ctrl+C, and so would all that it starts.
(trap - INT QUIT; exec "$@") &
child=$!
code=0
wait "$child" || code=$?
while kill -0 "$child" 2>/dev/null; do
  code=0
  wait "$child" || code=$?
done
exit "$code"
