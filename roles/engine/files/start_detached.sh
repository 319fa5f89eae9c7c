#!/usr/bin/env bash
# start_detached.sh LOG: starts dockerd where no systemd would, so that it outlives the caller.
set -euo pipefail
log=$1

mounted() { awk -v controller="$1" '$3 == "cgroup" && ("," $4 ",") ~ "," controller "," { found = 1 } END { exit !found }' /proc/mounts; }

# A machine without an init of its own may have no cgroup hierarchy mounted, and dockerd refuses to live without.
mountpoint -q /sys/fs/cgroup || mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
  unified=$(cat /sys/fs/cgroup/unified/cgroup.controllers 2>/dev/null || true)
  while read -r controller; do
    if mounted "$controller" || [[ " $unified " = *" $controller "* ]]; then continue; fi
    mkdir -p "/sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller" || rmdir "/sys/fs/cgroup/$controller"
  done < <(awk '!/^#/ && $4 == 1 { print $1 }' /proc/cgroups)
fi

# dockerd refuses to start when the pid file of a dead predecessor names a process that is now somebody else.
forget_the_dead() {
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 0
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$2" ] || grep -q '^State:.*Z' "/proc/$pid/status"; then rm -f "$1"; fi
}
forget_the_dead /run/docker.pid dockerd
forget_the_dead /run/docker/containerd/containerd.pid containerd

# It tells of every container and image, which is for root and the administrators.
(umask 027 && : >>"$log")
chmod o-rwx "$log"
setsid --fork dockerd >>"$log" 2>&1 </dev/null
