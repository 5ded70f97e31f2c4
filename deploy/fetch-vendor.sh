#!/bin/sh
# Fetches the embedded engine for this platform and the country database into vendor/, through npm, which checks both
# against the hashes in deploy/vendor/package-lock.json.
set -eu
cd "$(dirname "$0")/.."
engine_version=26.7.3-stable.1

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-x64-gnu ;;
  Linux-aarch64) platform=linux-arm64-gnu ;;
  Darwin-arm64) platform=darwin-arm64 ;;
  Darwin-x86_64) platform=darwin-x64 ;;
  *) echo "there is no embedded engine for $(uname -s) on $(uname -m); use a ClickHouse server and set clickhouse.url" >&2; exit 1 ;;
esac

echo "fetching the embedded engine (170 MB packed, once) and the country database ..."
cd deploy/vendor
npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
if [ "$platform" != linux-x64-gnu ]; then
  # The package of this platform is not in the lock file yet, so npm checks the registry's hash instead of ours.
  npm install --no-save --no-audit --no-fund --ignore-scripts --loglevel=error "@chdb/lib-$platform@$engine_version"
fi
cd ../..
mkdir -p vendor
ln -sf "../deploy/vendor/node_modules/@chdb/lib-$platform/libchdb.so" vendor/libchdb.so
ln -sf ../deploy/vendor/node_modules/@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb vendor/country.mmdb
# npm sets old modification times, which make would compare.
touch vendor/libchdb.so vendor/country.mmdb
echo "fetched vendor/libchdb.so and vendor/country.mmdb"
