# shellcheck shell=bash
# healthcheck.sh PORT PATH [SECONDS [EVERY]]: the container's own HEALTHCHECK. It needs nothing of the image: the runtime
# has a bash, which starts in a fifteenth of the time that Python takes. Whether the server answers is the bridge's to
# find out; this asks for its verdict, and twice where nothing is said: one slow moment of a busy host makes nobody
# unhealthy. An engine takes a hundred times the CPU to start this that it takes to ask. So where the engine knows
# already that all is well, this stays for SECONDS, asks again EVERY so many, and ends as soon as there is something to
# tell.
LC_ALL=C
every=${4:-20}

ask() {
  status='' body=''
  exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&3
  IFS= read -r -t 3 -u 3 status || return 1
  while IFS= read -r -t 3 -u 3 line && [ "$line" != $'\r' ]; do :; done
  IFS= read -r -t 3 -u 3 -N 4000 body
  return 0
}

look() {
  ask "$@" || ask "$@" || { echo "the bridge does not answer"; exit 1; }
  [[ $status == 'HTTP/1.1 200 '* ]] || { say; exit 1; }
}

say() { echo "${body//[![:print:]]/?}"; }

look "$1" "$2/health?check"
if [[ $body == '{"stay":true,'* ]]; then
  exec 4<> <(:) # nothing is ever read from it: reading is how bash waits without another process
  while ((SECONDS + every < ${3:-0})); do
    read -r -t "$every" -u 4 _
    look "$1" "$2/health"
  done
  look "$1" "$2/health?checked"
fi
say
