#!/usr/bin/env bash
# messages.sh: bring web/locale/*.po up to date with what the pages say; what is new in them has no translation yet.
set -euo pipefail
cd "$(dirname "$0")/.."
pot=$(mktemp)
trap 'rm -f "$pot"' EXIT
.venv/bin/pybabel -q extract -F web/babel.cfg -k text:1 -k texts:1,2 --no-location --sort-output -o "$pot" .
for catalogue in web/locale/*.po; do
  locale=$(basename "$catalogue" .po)
  .venv/bin/pybabel -q update -i "$pot" -o "$catalogue" -l "$locale" --no-fuzzy-matching
done
