#!/usr/bin/env bash
# litellm[proxy] 1.108.7 (PyPI), seen on Python 3.11.
#
# A file that LiteLLM's config names under include is merged into it: lists are put together, and every other value is the
# last one read. So the mcp_servers of an included file take the place of all those in the config itself, and of those in
# files that were included before it. The proxy starts, reports healthy, and says nothing of the servers that are gone.
#
# Why it matters: servers that are generated into a file of their own make those of the config disappear. One file has to
# hold them all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv environment
environment/bin/pip install --quiet 'litellm[proxy]==1.108.7'

cat >generated.yaml <<'YAML'
model_list: [{model_name: b, litellm_params: {model: openai/b}}]
mcp_servers: {generated: {url: "http://127.0.0.1:9/mcp", transport: http}}
YAML
cat >config.yaml <<'YAML'
include: [generated.yaml]
model_list: [{model_name: a, litellm_params: {model: openai/a}}]
mcp_servers: {mine: {url: "http://127.0.0.1:9/mcp", transport: http}}
YAML
cat >seen.py <<'PYTHON'
import asyncio
from litellm.proxy.proxy_server import ProxyConfig

config = asyncio.run(ProxyConfig().get_config("config.yaml"))
print("models:", *sorted(each["model_name"] for each in config["model_list"]))
print("mcp_servers:", *sorted(config["mcp_servers"]))
PYTHON

said=$(LITELLM_LOCAL_MODEL_COST_MAP=True environment/bin/python seen.py 2>/dev/null)
printf '%s\n' "$said"
expected='models: a b
mcp_servers: generated'
[ "$said" = "$expected" ] || { echo "the behaviour has changed; seen before:"; printf '%s\n' "$expected"; exit 1; }
