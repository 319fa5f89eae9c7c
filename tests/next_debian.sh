#!/usr/bin/env bash
# next_debian.sh FOLDER PACKAGE...: unpack programs of the next Debian release into a folder, installing nothing.
set -euo pipefail
folder=$1
shift
mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial"
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null |
  sed -n -E 's/^(URIs: |deb (\[[^]]*\] )?)(http[^ ]*\/debian)\/?( .*)?$/\3/p' | head -n 1 || true)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:?apt knows no mirror of Debian} trixie main" >"$folder/apt/sources.list"
cat >"$folder/apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$folder/apt/lists";
Dir::State::status "/dev/null";
Dir::Cache "$folder/apt";
CONF
export APT_CONFIG=$folder/apt/apt.conf
apt-get update -q
cd "$folder/apt"
apt-get download -q "$@"
for package in *.deb; do dpkg-deb -x "$package" "$folder"; done
rm -rf "$folder/apt"
