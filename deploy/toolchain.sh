#!/usr/bin/env bash
# Make sure of a C compiler with its sanitizers, for the tests of the firmware's C library.
set -euo pipefail

say() { printf 'setup: %s\n' "$*" >&2; }

can_compile() {
  local folder code=0
  folder=$(mktemp -d)
  printf '#include <stdint.h>\nint main(void) { return 0; }\n' >"$folder/probe.c"
  cc -std=c99 -fsanitize=address,undefined -o "$folder/probe" "$folder/probe.c" >/dev/null 2>&1 || code=1
  rm -rf "$folder"
  return $code
}

can_compile && exit
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  say "installing a C compiler (gcc, libc6-dev) for the tests of the firmware library"
  { apt-get update -q && apt-get install -q -y --no-install-recommends gcc libc6-dev; } >&2
  can_compile && exit
fi
say "a C compiler with AddressSanitizer is needed (cc). Install it, e.g.:"
say "  Debian, Ubuntu: sudo apt-get install gcc libc6-dev"
say "  macOS:          xcode-select --install"
exit 1
