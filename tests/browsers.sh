#!/bin/sh
# Makes sure that Debian's Chromium is there; tests drive it.
set -eu
[ -x /usr/bin/chromium ] && exit 0
if ! command -v apt-get > /dev/null || [ "$(id -u)" != 0 ]; then
  echo "the browser tests need Chromium at /usr/bin/chromium; install it (Debian: apt-get install chromium)" >&2
  exit 1
fi
echo "installing chromium ..."
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium > /dev/null
