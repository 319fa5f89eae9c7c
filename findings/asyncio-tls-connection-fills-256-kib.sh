#!/usr/bin/env bash
# Python 3.11.7, its own asyncio and ssl; no network beside loopback.
#
# asyncio makes a buffer of 256 KiB for each connection with TLS, as a bytearray, which is filled with zeroes at once: all of it
# is memory, whatever is read (SSLProtocol.max_size in asyncio/sslproto.py). A smaller one costs nothing but calls.
#
# Why it matters: who holds many connections that are silent, as one for the log of each pod of a cluster, pays 26 MB a hundred.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 1 -subj /CN=localhost 2>/dev/null
cat >hold.py <<'PYTHON'
import asyncio, asyncio.sslproto, ssl, subprocess, sys

COUNT = 100


def memory():
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Private_Dirty"))


async def serve():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("cert.pem", "key.pem")
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


async def hold(port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    held = [await asyncio.open_connection("127.0.0.1", port, ssl=context)]
    before = memory()
    held += [await asyncio.open_connection("127.0.0.1", port, ssl=context) for _ in range(COUNT)]
    print(f"max_size {asyncio.sslproto.SSLProtocol.max_size // 1024:3} KiB: {(memory() - before) // COUNT} KiB a connection")


if sys.argv[1] == "serve":
    asyncio.run(serve())
else:
    if sys.argv[1] == "small":
        asyncio.sslproto.SSLProtocol.max_size = 16 * 1024
    with subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            asyncio.run(hold(int(server.stdout.readline())))
        finally:
            server.kill()
PYTHON
plain=$(python3 hold.py plain) small=$(python3 hold.py small)
printf '%s\n' "$plain" "$small"
# max_size 256 KiB: 290 KiB a connection
# max_size  16 KiB: 49 KiB a connection
number() { local rest=${1#*: }; echo "${rest%% *}"; }
(($(number "$plain") > $(number "$small") + 200)) || { echo "this has changed"; exit 1; }
