#!/usr/bin/env bash
# requirements.sh SETTINGS [FIRST_SETTINGS]: looks whether this host has what an installation needs; changes nothing.
# What is there is used as it is. Where there is apt, the roles install the rest. Elsewhere one message on stderr names
# everything that is missing, with the command that installs it, and the exit code is 1. Prints the Python to use.
# SETTINGS is the host's settings.conf; FIRST_SETTINGS is the text of the one that it gets where it has none yet.
set -euo pipefail
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
settings=$(cat "$1" 2>/dev/null || printf '%s' "${2-}")

there() { command -v "$1" >/dev/null; }
sets() { grep -Eq "^[[:space:]]*($1)[[:space:]]*[=:][[:space:]]*$2" <<<"$settings"; }
# One of a host's own is used: the embedded balancer where no other is named, and the router of each node.
needs_haproxy() { sets topology node-router || ! sets 'listener_arn|alb_name|alb_arn' '[^[:space:]]'; }

python_is_new() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
# Debian keeps ensurepip out of the interpreter's own package; make_venv.sh installs it.
python_does() { python_is_new "$1" && { there apt-get || "$1" -c 'import ensurepip, venv' 2>/dev/null; }; }
find_python() {
  local candidate candidates=(/usr/bin/python3 /usr/bin/python3.{14,13,12,11})
  [ -z "${MCP_PYTHON-}" ] || candidates=("$MCP_PYTHON")
  for candidate in "${candidates[@]}"; do
    if python_does "$candidate"; then echo "$candidate"; return; fi
  done
}
haproxy_does() {
  local version
  version=$(haproxy -v 2>/dev/null | grep -Eo '[0-9]+\.[0-9]+' | head -n 1) || return 1
  [ "$(printf '%s\n' 2.6 "$version" | sort -V | head -n 1)" = 2.6 ]
}

# shellcheck source=/dev/null
distribution=$(. /etc/os-release 2>/dev/null && echo "${ID-}") || distribution=
missing=() dnf=() zypper=() before=
lacks() { missing+=("$1"); dnf+=("$2"); zypper+=("$3"); }

python=$(find_python)
if [ -z "$python" ]; then
  found=$(/usr/bin/python3 --version 2>/dev/null || echo none)
  lacks "Python 3.11 or newer in /usr/bin, with venv and ensurepip (found: $found)" \
    "$([ "$distribution" = fedora ] && echo python3 || echo python3.11)" python311
fi
if ! there apt-get; then
  if ! there dockerd && ! timeout 10 docker version >/dev/null 2>&1; then
    case $distribution in
      amzn) engine=docker ;;
      fedora) engine=moby-engine ;;
      *)
        engine=docker-ce
        before="sudo dnf config-manager --add-repo https://download.docker.com/linux/$([ "$distribution" = rhel ] && echo rhel || echo centos)/docker-ce.repo && "
        ;;
    esac
    lacks "a Docker engine: none answers, and there is no dockerd to start" "$engine" docker
  fi
  there iptables-save || lacks "iptables, which keeps the servers apart" iptables-nft iptables
  if needs_haproxy && ! haproxy_does; then
    lacks "HAProxy 2.6 or newer, for the embedded load balancer (none is needed where settings.conf names one of AWS)" haproxy haproxy
  fi
  there tar || lacks tar tar tar
  there flock || lacks "flock" util-linux util-linux
  there useradd || lacks "useradd" shadow-utils shadow
fi
if [ "${#missing[@]}" = 0 ]; then echo "$python"; exit; fi

{
  echo "this host lacks what the installation needs; nothing has been changed:"
  printf '  - %s\n' "${missing[@]}"
  echo "Install all of it, and run this again:"
  if there apt-get; then
    echo "  sudo apt-get install python3.11 python3.11-venv   (Debian 12 and newer have it as python3)"
  else
    there dnf || ! there zypper && echo "  ${before}sudo dnf install -y ${dnf[*]}"
    there zypper || ! there dnf && echo "  sudo zypper install -y ${zypper[*]}"
  fi
} >&2
exit 1
