#!/usr/bin/env bash
# HAProxy 2.6.12-1+deb12u4 (Debian 12), seen on x86-64 with 145 files in /etc/ssl/certs.
#
# Each start, each reload and each `haproxy -c` reads all certificates of the system, also with a configuration that has no
# TLS at all: they are for HAProxy's own HTTP client, which only Lua scripts use. `httpclient.ssl.verify none` in the section
# `global` prevents it.
#
# Why it matters: it was 40 of the 56 ms of processor time of `haproxy -c` with 100 backends, and is paid again by the
# reload that follows.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download -qq haproxy=2.6.12-1+deb12u4 strace liblua5.3-0 libopentracing-c-wrapper0 libopentracing1 libpcre2-8-0 \
  >/dev/null 2>&1
for each in *.deb; do dpkg-deb -x "$each" root; done
export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu

# reads LINE: which of the system's certificates a check reads of a configuration without TLS, with LINE in its section global
reads() {
  printf 'global\n  %s\ndefaults\n  mode http\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\n' "$1" >config
  printf 'frontend all\n  bind 127.0.0.1:18999\n  http-request return status 200\n' >>config
  root/usr/bin/strace -f -e trace=openat -o trace root/usr/sbin/haproxy -c -f config >/dev/null
  case $(grep -c '/ssl/certs/.*= [0-9]' trace) in
    0) echo none ;;
    1) echo one ;;
    *) echo many ;;
  esac
}

said="certificates read by a check: $(reads '# nothing'); with httpclient.ssl.verify none: $(reads 'httpclient.ssl.verify none')"
echo "$said"
expected="certificates read by a check: many; with httpclient.ssl.verify none: none"
[ "$said" = "$expected" ] || { echo "this has changed; it was:"; echo "$expected"; exit 1; }
