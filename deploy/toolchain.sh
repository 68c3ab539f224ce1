#!/usr/bin/env bash
# Make sure of what the tests need besides Python: a C compiler with its sanitizers, for the firmware's C
# library, libfaketime, for the tests in which a clock is wrong, and Chromium, for the tests that look at pages.
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

# Where Debian and its descendants put it.
can_fake_time() { compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null; }

# install WHAT PACKAGE...: where we may; whether it worked is for the caller to see.
install() {
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing $1 (${*:2})"
    { apt-get update -q && apt-get install -q -y --no-install-recommends "${@:2}"; } >&2 || true
  fi
}

can_browse() { command -v chromium || command -v google-chrome || command -v chrome; } >/dev/null 2>&1

can_compile || install "a C compiler for the tests of the firmware library" gcc libc6-dev
can_fake_time || install "libfaketime for the tests of clocks" libfaketime
can_fake_time || say "without libfaketime (Debian: apt-get install libfaketime) the tests of clocks are skipped"
can_browse || install "Chromium for the tests that look at pages" chromium fonts-dejavu-core fonts-liberation
can_browse || say "without Chromium (Debian: apt-get install chromium) the tests that look at pages are skipped"
can_compile && exit
say "a C compiler with AddressSanitizer is needed (cc). Install it, e.g.:"
say "  Debian, Ubuntu: sudo apt-get install gcc libc6-dev"
say "  macOS:          xcode-select --install"
exit 1
