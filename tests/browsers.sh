#!/bin/sh
# Makes sure that Debian's browsers are there; tests drive them. Chromium alone, or with `all` Firefox and WebKitGTK too.
set -eu
missing=""
need() { # a file, the package that brings it
  [ -x "$1" ] || missing="$missing $2"
}
need /usr/bin/chromium chromium
if [ "${1:-}" = all ]; then
  need /usr/bin/firefox-esr firefox-esr
  need /usr/bin/WebKitWebDriver webkit2gtk-driver
  need /usr/bin/Xvfb xvfb
fi
[ -n "$missing" ] || exit 0
if ! command -v apt-get > /dev/null || [ "$(id -u)" != 0 ]; then
  echo "the browser tests need$missing below /usr/bin; install them (Debian: apt-get install$missing)" >&2
  exit 1
fi
echo "installing$missing ..."
apt-get update -qq
# shellcheck disable=SC2086 # several packages
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing > /dev/null
