#!/bin/sh
# Checks the dependencies against deny.toml. Called by `make check-dependencies`.
#
# Licences, sources and versions are checked offline. Advisories (known vulnerabilities) need RustSec's
# list, a git repository. If it can't be reached, the script reports that and continues, except with
# ADVISORIES=required, as in the hosted workflow.
set -eu
cd "$(dirname "$0")/.."
version=0.20.2
tools=target/tools/cargo-deny-$version
advisories=https://github.com/RustSec/advisory-db

deny=$(command -v cargo-deny || echo "$PWD/$tools/bin/cargo-deny")
if [ ! -x "$deny" ]; then
  mkdir -p "$tools"
  echo "compiling cargo-deny $version, which takes some minutes; a cargo-deny in PATH is used instead"
  cargo install --quiet --locked --root "$tools" "cargo-deny@$version"
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
