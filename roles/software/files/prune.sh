#!/usr/bin/env bash
# prune.sh HOME: removes the releases that neither HOME/current nor HOME/previous points to, and the environments that
# neither of the two was installed with nor a process runs from. Prints what it removes.
set -euo pipefail
shopt -s nullglob
cd "$1"

keep=$'\n'
for release in current previous; do
  [ -e "$release" ] || continue
  keep+="$(readlink -f "$release")"$'\n'"$PWD/venvs/$(sha256sum <"$release/requirements.lock" | cut -c1-12)"$'\n'
done
keep+="$(readlink -f venv)"$'\n'
for each in "$PWD"/releases/* "$PWD"/venvs/*; do
  [[ "$keep" != *$'\n'"$each"$'\n'* ]] || continue
  ! grep -qsF "$each/" /proc/[0-9]*/cmdline || continue
  echo "$each"
  rm -rf "$each"
done
