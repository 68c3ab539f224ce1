#!/usr/bin/env bash
# venv.sh demo|dev: make .venv if need be and install exactly what the lock says into it.
# bash 3.2 (macOS) is enough.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.venv
kind=$1
lock=requirements.lock
if [ "$kind" = dev ]; then
  lock=requirements-dev.lock
fi

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
makes_venvs() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

# A Python from 3.11 on, if possible one that can make virtual environments. PYTHON=... overrides.
find_python() {
  local candidate incomplete=
  for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python3.14}; do
    is_new_enough "$candidate" || continue
    if makes_venvs "$candidate"; then
      echo "$candidate"
      return
    fi
    incomplete=${incomplete:-$candidate}
  done
  echo "$incomplete"
}

complete_python() {
  # The distribution's own Python, whatever pyenv and the like put in front of it.
  local package
  package=python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing $package, which $1 lacks"
    { apt-get update -q && apt-get install -q -y --no-install-recommends "$package"; } >&2 ||
      die "$package cannot be installed: install it by hand, then try again"
  else
    die "$1 cannot make virtual environments. Install them, e.g.: sudo apt-get install $package"
  fi
}

make_venv() {
  local python
  python=$(find_python)
  if [ -z "$python" ]; then
    say "Python 3.11 or newer is needed. Install it, e.g.:"
    say "  Debian, Ubuntu: sudo apt-get install python3 python3-venv"
    say "  macOS:          brew install python@3.13"
    die "or name one: make PYTHON=/path/to/python3.13 ..."
  fi
  makes_venvs "$python" || complete_python "$python"
  say "making $venv with $("$python" --version)"
  rm -rf "$venv"
  "$python" -m venv "$venv"
}

if ! is_new_enough "$venv/bin/python" || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  make_venv
fi
# pip ARGUMENTS...: run it with its words in a log, saying every few seconds how far it has come.
pip() {
  local log=$venv/install.log next=$((SECONDS + 5))
  "$venv/bin/python" -m pip --disable-pip-version-check --require-virtualenv \
    "$@" --progress-bar off >"$log" 2>&1 &
  while kill -0 $! 2>/dev/null; do
    sleep 0.2
    if [ $SECONDS -ge $next ]; then
      say "  $((SECONDS - begin)) s: $(tail -n 1 "$log" | cut -c1-70)"
      next=$((SECONDS + 5))
    fi
  done
  wait $! || { tail -n 15 "$log" >&2; die "that did not work (see $log). Is the package index within reach?"; }
}

say "installing $lock (each package checked against its hash)"
begin=$SECONDS
pip install --require-hashes -r "$lock"
pip install --no-deps --no-build-isolation --editable .
say "installed in $((SECONDS - begin)) s"
touch "$venv/.installed-demo"
if [ "$kind" = dev ]; then
  touch "$venv/.installed-dev"
fi
