#!/bin/sh
# Packs the files for a server into target/dist/sillage-VERSION-PLATFORM.tar.gz. Called by `make dist`.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
platform=$(rustc -vV | sed -n 's/^host: //p')
name=sillage-$version-$platform
folder=target/dist/$name

rm -rf "$folder"
mkdir -p "$folder"
cp target/release/sillage deploy/sillage.service deploy/config.example.toml LICENSE README.md PRIVACY.md "$folder/"
cp -R deploy/nginx "$folder/nginx"
# vendor/ holds links into node_modules. The program finds the library in its own folder.
cp -L vendor/libchdb.so vendor/country.mmdb "$folder/"
tar -C target/dist -czf "target/dist/$name.tar.gz" "$name"
rm -rf "$folder"
(cd target/dist && sha256sum "$name.tar.gz" > "$name.tar.gz.sha256")
echo "target/dist/$name.tar.gz: $(du -h "target/dist/$name.tar.gz" | cut -f1)"
