#!/usr/bin/env bash
# Linux 6.18 (proc_locks(5)) and flock(1) of util-linux 2.38. Needs root.
#
# In a process namespace other than the host's, /proc/locks leaves out a lock whose taker has ended, though the lock is
# held: by a file descriptor that the taker got from another process, which is how "flock 9" locks for a shell script. On
# the host the same lock is listed.
#
# Why it matters: lslocks(8) and all that reads /proc/locks call such a file free in a container, while flock(2) refuses it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.sh" <<'SHELL'
exec 9>"$1"
flock 9
listed=$(grep -c ":$(stat -c %i "$1") " /proc/locks || true)
flock --nonblock "$1" true && free=free || free=locked
echo "listed $listed times, and $free"
SHELL

said="a process namespace of its own: $(unshare --pid --fork --mount-proc bash "$folder/look.sh" "$folder/lock")"
echo "$said"
expected="a process namespace of its own: listed 0 times, and locked"
[ "$said" = "$expected" ] || { echo "this has changed; it was:"; echo "$expected"; exit 1; }
