#!/usr/bin/env bash
# debian_programs.sh RELEASE FOLDER PACKAGE...: unpack programs of a Debian release into a folder, installing nothing.
# src:PACKAGE: the original source of a package, as it was packed, into FOLDER/src.
set -euo pipefail
release=$1
folder=$2
shift 2
mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial"
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null |
  sed -n -E 's/^(URIs: |deb (\[[^]]*\] )?)(http[^ ]*\/debian)\/?( .*)?$/\3/p' | head -n 1 || true)
from="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:?apt knows no mirror of Debian} $release main"
echo "deb $from" >"$folder/apt/sources.list"
cat >"$folder/apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$folder/apt/lists";
Dir::State::status "/dev/null";
Dir::Cache "$folder/apt";
CONF
export APT_CONFIG=$folder/apt/apt.conf
packages=() sources=()
for package in "$@"; do
  case $package in
    src:*) sources+=("${package#src:}") ;;
    *) packages+=("$package") ;;
  esac
done
[ ${#sources[@]} = 0 ] || echo "deb-src $from" >>"$folder/apt/sources.list"
apt-get update -q
cd "$folder/apt"
if [ ${#packages[@]} != 0 ]; then
  apt-get download -q "${packages[@]}"
  for package in *.deb; do dpkg-deb -x "$package" "$folder"; done
fi
if [ ${#sources[@]} != 0 ]; then
  mkdir -p "$folder/src"
  (cd "$folder/src" && apt-get source -q --download-only "${sources[@]}")
fi
rm -rf "$folder/apt"
