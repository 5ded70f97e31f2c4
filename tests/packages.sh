#!/bin/sh
# Installs the Debian packages that the tests need: Chromium and the fonts of the picture tests, and with `all` also
# Firefox and WebKitGTK.
set -eu
missing=""
need() { # a file, the package that contains it
  [ -e "$1" ] || missing="$missing $2"
}
need /usr/bin/chromium chromium
# The fonts of the picture tests, see dashboards/web/test/fonts.conf.
need /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf fonts-dejavu-core
need /usr/share/fonts/truetype/vlgothic/VL-PGothic-Regular.ttf fonts-vlgothic
if [ "${1:-}" = all ]; then
  need /usr/bin/firefox-esr firefox-esr
  need /usr/bin/WebKitWebDriver webkit2gtk-driver
  need /usr/bin/Xvfb xvfb
fi
[ -n "$missing" ] || exit 0
if ! command -v apt-get > /dev/null || [ "$(id -u)" != 0 ]; then
  echo "the tests need$missing; install them (Debian: apt-get install$missing)" >&2
  exit 1
fi
echo "installing$missing ..."
apt-get update -qq
# shellcheck disable=SC2086 # several packages
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing > /dev/null
