#!/usr/bin/env bash
# Docker SDK for Python 7.2.0, Docker 20.10.24 (Engine API 1.41).
#
# A push that fails raises nothing: `client.push(repository, tag)` returns the text of a stream that the engine has
# answered with 200, and the reason is in the key `error` of one of its lines. `images.push` is the same. A push to a
# registry that nobody runs therefore looks as one that went well, unless its lines are read.
#
# Why it matters: a Deployment would name an image that no registry has.
set -euo pipefail
python=${PYTHON:-python3}
"$python" - <<'PYTHON'
import io
import tarfile

import docker

client = docker.from_env().api
empty = io.BytesIO()
tarfile.open(fileobj=empty, mode="w").close()
name = "127.0.0.1:9/finding/push"  # the port of discard, where nobody listens
client.import_image_from_data(empty.getvalue(), repository=name, tag="1")
try:
    raised = "nothing"
    try:
        lines = list(client.push(name, "1", stream=True, decode=True))
    except docker.errors.APIError as error:
        raised = str(error)
finally:
    client.remove_image(f"{name}:1")
errors = [line["error"] for line in lines if "error" in line]
print("docker", docker.__version__, "raised", raised, "and said", errors)
assert raised == "nothing" and errors, "this has changed: an error was raised, or none was told"
PYTHON
