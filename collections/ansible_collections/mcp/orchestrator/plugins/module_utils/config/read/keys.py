# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Longer than 400 lines: one table of all keys, so that no key stands in two.

# Longer than 400 lines: it is one table, of every key that there is.

"""Every key of a server's entry, of our own extension and of a template: what it must look like and what it is for."""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.shape import (
    Anything,
    Either,
    Key,
    Listing,
    Nothing,
    Number,
    ProgramWord,
    Record,
    Switch,
    Table,
    Text,
)

SERVER_NAME = Text(
    "a server's name; use letters, digits, '_', '.' and '-', at most 63, and begin with a letter or digit",
    r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}",
)
# Other words for type, and for where headers and variables stand.
KIND_KEYS = ("type", "transport", "transportType", "transport_type", "serverType", "connectionType", "protocol")
HEADER_HOLDERS = ("requestInit", "requestOptions", "fetchOptions", "eventSourceInit", "transportOptions", "request")
HEADER_WORDS = (
    *("httpHeaders", "http_headers", "customHeaders", "custom_headers", "requestHeaders", "extraHeaders"),
    *("static_headers", "env_http_headers", "envHttpHeaders"),
)
BEARER_KEYS = (
    *("bearer_token_env_var", "bearerTokenEnvVar", "bearerToken", "bearer_token", "authorization_token"),
    "authorizationToken",
)
# Whether a server runs: what true says in each word for it.
SWITCHES = {
    "disabled": False,
    "enabled": True,
    "isActive": True,
    **dict.fromkeys(("disable", "isDisabled", "is_disabled", "inactive"), False),
    **dict.fromkeys(("enable", "isEnabled", "is_enabled", "active", "is_active"), True),
}
ENV_WORDS = (
    *("environment", "envs", "envVars", "env_vars", "env_keys", "environmentVariables", "environment_variables"),
)
STARTS = ("autoStart", "start_on_launch", "startup")
REMOTE_TYPES = ("http", "streamable-http", "streamable_http", "streamableHttp", "sse")
ISOLATIONS = ("per_session", "pooled", "shared")
AUTHS = ("none", "oidc", "jwt")
RESTARTS = ("no", "on-failure", "always", "unless-stopped")
LOG_LEVELS = ("debug", "info", "warning", "error")

_PATH = Text(
    'a path such as "/mcp", without query, at most 128 characters', r"/[A-Za-z0-9/_.~!$&'()+,;=:@%-]*", longest=128
)
_VARIABLE = Text("the name of a variable", r"[^=\s\x00]+")
_ENV = Table(
    Either(
        (Text(), Number(-(2**63), 2**63, whole=False), Nothing()),
        "a string; put it in double quotes",
    ),
    _VARIABLE,
)
_HOST = Text(
    "the name of a host or an IPv4 address", r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(/[0-9]{1,2})?", longest=253
)
_HOST_COUNT = Either((Text(choices=("all",)), Number(1, 1000)), '"all" or a number of hosts')
_SIDE = Text(choices=("hosts", "cluster", "both"))
_TEXTS = Listing(Text())
UNSIGNED = "none"
_GROUP = Text(
    "the name of a group; use letters, digits, spaces, '_', '.' and '-', at most 63, and begin with a letter or digit",
    r"[A-Za-z0-9]([A-Za-z0-9 _.-]{0,61}[A-Za-z0-9_.-])?",
)
_KEY_FILE = Text('the absolute path of a public key on the host, or "none"', r"none|/[\x21-\x7e]+", longest=512)
_SIZE = Either(
    (Text("a size", r"[0-9]+(\.[0-9]+)? ?([kKmMgGtTpP]([iI]?[bB])?|[bB])?"), Number(6 * 1024**2, 2**50)),
    'a size such as "512m" or a number of bytes',
)

RESOURCES = Record(
    {
        "memory": Key(_SIZE, "The most memory the container gets. Default 512m.", "1g"),
        "cpus": Key(Number(0.01, 1024, whole=False), "The most CPU cores the container gets. Default 1.", 0.5),
        "pids": Key(Number(1, 4194304), "The most processes and threads the container gets. Default 256.", 128),
    },
    'an object: {"memory": "512m", "cpus": 1, "pids": 256}',
)

_CONDITION = Listing(Text("a string of at most 128 characters", r"[\x21-\x7e]+", longest=128))
CONDITIONS = Record(
    {
        "host_header": Key(_CONDITION, "Host names; * and ? stand for others.", ["mcp.example.com"]),
        "http_header": Key(
            Table(_CONDITION, Text("the name of a header", r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}")),
            "Headers, and what each may be.",
            {"X-Team": ["billing"]},
        ),
        "http_request_method": Key(_CONDITION, "Methods.", ["POST"]),
        "query_string": Key(_CONDITION, "Parts of the query, each key=value or value.", ["tenant=a"]),
        "source_ip": Key(_CONDITION, "Where requests may come from, as CIDR blocks.", ["10.0.0.0/8"]),
    },
    'an object: {"source_ip": ["10.0.0.0/8"]}',
)

REPLICAS = Record(
    {
        "min": Key(Number(1, 32), "The fewest. Default 1.", 2),
        "max": Key(Number(1, 1000), "The most. Default: min.", 5),
        "cpu": Key(Number(1, 100), "The share of its cpus, in percent, above which there are more. Default 70.", 60),
    },
    'an object: {"min": 1, "max": 5, "cpu": 70}',
)

BRIDGE = Record(
    {
        "max_sessions": Key(Number(1, 10000), "The most sessions at once. Default 100.", 20),
        "max_message": Key(
            Either((_SIZE.shapes[0], Number(1, 2**50)), 'a size such as "16m" or a number of bytes'),
            "The largest message, in either direction, from 64k to 128m. A sixteenth of the container's memory, or 8m"
            " where that is more, is the most it can be. Default 64m.",
            "16m",
        ),
        "resume_timeout": Key(
            Number(1, 86400),
            "Seconds for which a session waits for a client that has lost its stream, or left a call. Default 300.",
            60,
        ),
        "pool_size": Key(Number(1, 1000), "The most processes with isolation pooled. Default 8.", 4),
        "warm_processes": Key(
            Number(0, 100),
            "Processes that wait for the next session, with isolation per_session. Default 1.",
            0,
        ),
        "allowed_hosts": Key(
            Listing(Text("the name of a host", r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", longest=253)),
            "The names by which requests may address the server, beside the machine's own and addresses in numbers."
            " Default: any.",
            ["mcp.example.com"],
        ),
        "call_record": Key(
            Switch(),
            "Whether the bridge records each call: its time, session, method, tool, outcome and duration, and nothing"
            " of what it carries. Default: [logging] calls of settings.conf.",
            False,
        ),
        "log_level": Key(
            Text("one of debug, info, warning and error", choices=LOG_LEVELS),
            "What of its own the bridge writes to the container's log. Default: [logging] level of settings.conf.",
        ),
    },
    'an object: {"max_sessions": 20, "pool_size": 4}',
)

CONDITIONS_OF_START = ("started", "healthy", "completed")
REQUIREMENT = Record(
    {
        "image": Key(Text("an image", r"\S+"), "The image that is run.", "docker.io/library/postgres:17"),
        "entrypoint": Key(_TEXTS, "What is run instead of the image's entrypoint."),
        "command": Key(_TEXTS, "What follows the entrypoint.", ["postgres", "-c", "shared_buffers=64MB"]),
        "env": Key(_ENV, "Variables, as an entry has them.", {"POSTGRES_PASSWORD": "${ssm:/mcp/orders-db}"}),
        "volumes": Key(
            Listing(Text("a volume: source:target[:ro]")),
            "What is mounted, as orchestrator.volumes. Requirements of one server may share a volume.",
            ["orders-db:/var/lib/postgresql/data"],
        ),
        "tmpfs": Key(Listing(Text("a folder in memory: /path[:options]")), "Folders in memory.", ["/run/postgresql"]),
        "user": Key(Text("a user: name or number, with a group or without", r"[^\s:]+(:[^\s:]+)?"), "Who runs it."),
        "read_only": Key(Switch(), "Whether the root file system is read-only. Default true."),
        "resources": Key(RESOURCES, "The limits of its container."),
        "health": Key(
            _TEXTS,
            "The command that is run in its container and ends with 0 while it is well.",
            ["pg_isready", "-h", "127.0.0.1"],
        ),
        "condition": Key(
            Text("started, healthy or completed", choices=CONDITIONS_OF_START),
            "What has to be before the next requirement and the server start. completed is a step that runs once."
            " Default healthy with health, started without.",
        ),
        "timeout": Key(Number(1, 3600), "Seconds it may take to meet its condition. Default 60, for a step 300.", 120),
        "stop_timeout": Key(Number(0, 3600), "Seconds from asking it to stop to killing it. Default 10.", 30),
    },
    'an object: {"image": "IMAGE", "condition": "started"}',
)
_REQUIREMENT_NAME = Text(
    "the name of a requirement; use lower-case letters, digits and '-', at most 30, and begin with a letter",
    r"[a-z][a-z0-9-]{0,29}",
)

EXTENSION = Record(
    {
        "transport": Key(
            Text("stdio, http or sse", choices=("stdio", "http", "sse")),
            "What the server itself speaks. Default: http when a port is published or named, else stdio.",
        ),
        "port": Key(Number(1, 65535), "The port on which an http or sse server listens in its container.", 8000),
        "path": Key(_PATH, "Where an http or sse server answers MCP. Default /mcp, for sse /sse.", "/api/mcp"),
        "health_path": Key(
            _PATH,
            "Where an http or sse server answers 200 when it is well. Default: its MCP path, with any answer to 499.",
            "/health",
        ),
        "priority": Key(Number(1, 50000), "The priority of its rule at the load balancer. Default: allocated.", 100),
        "conditions": Key(
            CONDITIONS, "What else a request has to meet. AWS takes three values in all, those of [routes] included."
        ),
        "auth": Key(
            Text("none, oidc or jwt", choices=AUTHS),
            "Who may pass the load balancer: anybody, users of the provider of [oidc], or holders of a token of "
            "[jwt]'s issuer. Default: what [routes] auth says.",
        ),
        "resources": Key(RESOURCES, "The limits of its container."),
        "isolation": Key(
            Text("one of per_session, pooled and shared", choices=ISOLATIONS),
            "How sessions share the processes of a stdio server. Default per_session.",
        ),
        "group": Key(_GROUP, "The group of servers with which the monitor shows it.", "billing"),
        "verify": Key(
            Switch(),
            "Whether the containers or pods of a new generation have to pass the server's verification before clients"
            " are led to them. Default false.",
        ),
        "bridge": Key(BRIDGE, "The bridge in front of a stdio server."),
        "requires": Key(
            Table(REQUIREMENT, _REQUIREMENT_NAME, 'an object: {"db": {"image": "IMAGE", "condition": "started"}}'),
            "What the server needs beside itself, in the order in which it is started: databases, and steps that run"
            " once. Only the server reaches them, by their names.",
        ),
        "secret_args": Key(
            Switch(),
            "Whether the arguments of a stdio server are kept as secret as env. They may then hold secrets and"
            " references. Default false.",
        ),
        "replicas": Key(
            Either(
                (Number(1, 32), REPLICAS),
                'a number from 1 to 32, or an object for Kubernetes: {"min": 1, "max": 5, "cpu": 70}',
            ),
            "How many containers serve it. Default 1. On Kubernetes it may be as many as the load asks for, between two"
            " numbers; hosts run the smaller.",
            2,
        ),
        "placement": Key(
            Either(
                (
                    _SIDE,
                    _HOST_COUNT,
                    Record(
                        {
                            "on": Key(
                                _SIDE,
                                "Whether hosts run it, the cluster of [kubernetes], or both. Default what [service]"
                                " runtime says.",
                                "both",
                            ),
                            "hosts": Key(_HOST_COUNT, "On how many of them. Default all.", 1),
                            "labels": Key(Table(Text()), "Labels that such a host has.", {"zone": "a"}),
                        }
                    ),
                ),
                '"hosts", "cluster", "both", "all", a number of hosts, or an object:'
                ' {"on": "hosts", "hosts": 2, "labels": {"zone": "a"}}',
            ),
            "Where it runs: on hosts, in the cluster, or on both (default as [service] runtime says), and on which of"
            " several hosts (default all).",
            {"hosts": 2, "labels": {"zone": "a"}},
        ),
        "network": Key(
            Either(
                (Text("the name of a network", r"[A-Za-z0-9][A-Za-z0-9_.-]*"), Listing(_HOST)),
                'none, fleet, internet, the name of a network, or a list of hosts: ["api.github.com", "10.0.7.0/24"]',
            ),
            "Where it may connect to: none, fleet (others that say fleet too), internet (the default), some hosts by"
            " names or IPv4 addresses, or what a network of the engine allows.",
            ["api.github.com", "10.0.7.0/24"],
        ),
        "instance_metadata": Key(
            Switch(),
            "Whether it may reach the metadata of the cloud's instance, and with them the host's credentials."
            " Default false.",
        ),
        "volumes": Key(
            Listing(Text("a volume: source:target[:ro]")),
            "What is mounted: the source is an absolute path of the host or the name of a volume.",
            ["orders-data:/data"],
        ),
        "read_only": Key(Switch(), "Whether the root file system is read-only. Default true."),
        "restart": Key(
            Text("a restart policy", choices=RESTARTS), "The engine's restart policy. Default unless-stopped."
        ),
        "labels": Key(
            Table(Text(), Text("the name of a label", r"[A-Za-z0-9][A-Za-z0-9_./-]*")),
            "More labels for its container.",
            {"team": "billing"},
        ),
        "stop_timeout": Key(Number(0, 3600), "Seconds from asking it to stop to killing it. Default 10.", 30),
        "idle_timeout": Key(Number(1, 86400), "Seconds without a message after which a stdio session ends.", 600),
        "sleep_after": Key(
            Number(0, 604800),
            "Seconds without a client after which a stdio server sleeps. Default 900; 0 is never.",
            3600,
        ),
        "deep_check_interval": Key(
            Number(0, 604800),
            "How often a sleeping stdio server is started to see whether it still can be, in seconds. Default 3600.",
            86400,
        ),
        "signature_key": Key(
            _KEY_FILE,
            "The file of the public key by which cosign must have signed the image; none is for an image without."
            " Default: what [defaults] signature_key says.",
            "/etc/mcp-orchestrator/keys/release.pub",
        ),
        "host_header": Key(
            Text(
                'a host with or without a port, such as "localhost:8000", or "preserve"',
                r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?",
                longest=128,
            ),
            "What an http or sse server gets as Host; preserve is what its client sends. Default localhost:PORT, its"
            " port in the container, as servers that check Host want it.",
            "mcp.example.com",
        ),
        "strip_prefix": Key(
            Switch(), "Whether the load balancer takes /mcp/NAME off the path of an http or sse server. Default true."
        ),
    }
)

# What the server is made of.
_USED = {
    "type": Key(
        Text(choices=("stdio", "local", *REMOTE_TYPES)), "How a client reaches the server: stdio, or a remote kind."
    ),
    "command": Key(
        ProgramWord("the program that starts the server"), "docker, podman, npx, uvx, uv, python and the like."
    ),
    "args": Key(_TEXTS, "The program's arguments.", ["run", "-i", "--rm", "mcp/time"]),
    "env": Key(
        _ENV,
        "Variables. A value may refer to others: ${VAR}, ${file:/path}, ${ssm:/name}, ${secretsmanager:name#key}.",
        {"GITHUB_TOKEN": "${ssm:/mcp/github}"},
    ),
    "envFile": Key(Text("the path of a file"), "A file of variables on the host."),
    "cwd": Key(Text("a path"), "A folder of the client's machine; it changes nothing here."),
    "url": Key(Text("an address that begins with http:// or https://"), "The address of a remote server."),
    "headers": Key(Table(Text()), "What is sent with every request to a remote server."),
    "transport": Key(Anything(), "Another word for type."),
    "disabled": Key(Switch(), "Whether the server is switched off."),
    "enabled": Key(Switch(), "Whether the server is switched on."),
    "isActive": Key(Switch(), "Another word for enabled."),
    **{
        word: Key(Switch(), f"Another word for {'enabled' if runs else 'disabled'}.")
        for word, runs in SWITCHES.items()
        if word not in {"disabled", "enabled", "isActive"}
    },
    "template": Key(
        Text('a template and its version: "github@1"', r"[a-z0-9][a-z0-9_-]*@[0-9]+"),
        "A server type of the registry, instead of a command.",
        "github@1",
    ),
    "orchestrator": Key(EXTENSION, "What only this orchestrator reads."),
}

# What people write when they mean another key.
SYNONYMS = {
    "address": "url",
    "arguments": "args",
    "cmd": "command",
    "cpu": "cpus",
    "endpoint": "url",
    "environment": "env",
    "envs": "env",
    "mem": "memory",
    "mounts": "volumes",
    "timeoutms": "timeout",
    "uri": "url",
    "variables": "env",
    "workingdirectory": "cwd",
}

# Other clients' words for the address of a remote server.
ADDRESSES = ("url", "httpUrl", "serverUrl", "baseUrl")

# What only clients read. It is kept for what is exported to them; nothing of it is a secret.
_TOOLS = Listing(Text(), "a list of tools")
CLIENT_KEYS = {
    "alwaysAllow": Key(Anything(), "Tools that a client calls without asking (Roo Code)."),
    "autoApprove": Key(Anything(), "Tools that a client calls without asking (Cline, Kiro)."),
    "description": Key(Anything(), "What the server is for."),
    "disabledTools": Key(_TOOLS, "Tools that a client does not offer."),
    "excludeTools": Key(_TOOLS, "Tools that a client does not offer (Gemini CLI)."),
    "includeTools": Key(_TOOLS, "The only tools that a client offers (Gemini CLI)."),
    "timeout": Key(Anything(), "How long a client waits."),
    "tools": Key(Anything(), "The tools that a client offers (Copilot)."),
    "trust": Key(Anything(), "Whether a client calls tools without asking (Gemini CLI)."),
}

# What only clients read, and may hold a secret: never shown, and exported with consent alone.
PRIVATE_KEYS = {
    name: Key(Anything(), description)
    for name, description in {
        "$schema": "For editors.",
        "_comment": "For readers.",
        "auth": "How a client signs in to a remote server (Cursor).",
        "authProviderType": "How a client signs in to a remote server (Gemini CLI).",
        **dict.fromkeys(STARTS, "Whether a client starts the server with itself."),
        "anythingllm": "What a client does with the server (AnythingLLM).",
        "chatMenu": "Whether a client lists the server in its menu (LibreChat).",
        "comment": "For readers.",
        "customUserVars": "What a client asks each user for (LibreChat).",
        "dev": "How an editor watches and debugs the server (VS Code).",
        "disabled_tools": "Tools that a client does not offer (Codex).",
        "displayName": "What a client calls the server.",
        "enabled_tools": "The only tools that a client offers (Codex).",
        "gallery": "Where an editor got the entry from (VS Code).",
        "headersHelper": "The program that makes a client's headers (Claude Code).",
        "icon": "For clients.",
        "iconPath": "For clients.",
        "iconUrl": "For clients.",
        "initTimeout": "How long a client waits for the server to start.",
        "longRunning": "For clients (Cherry Studio).",
        "logoUrl": "For clients.",
        "name": "What a client calls the server.",
        "note": "For readers.",
        "oauth": "How a client signs in to a remote server.",
        "provider": "For clients (Cherry Studio).",
        "providerUrl": "For clients (Cherry Studio).",
        "registryUrl": "Where a client gets the package from (Cherry Studio).",
        "reconnect": "How a client connects again.",
        "sandbox": "What an editor allows the server (VS Code); its container allows less.",
        "sandboxEnabled": "Whether an editor confines the server (VS Code); its container does.",
        "serverInstructions": "Whether a client tells its model what the server says of itself (LibreChat).",
        "source": "Where an editor got the entry from (Zed).",
        "startup_timeout_sec": "How long a client waits for the server to start (Codex).",
        "tags": "For clients.",
        "targetAudience": "For clients (Gemini CLI).",
        "targetName": "For clients (Gemini CLI).",
        "targetServiceAccount": "For clients (Gemini CLI).",
        "title": "What a client calls the server.",
        "toolCallTimeout": "How long a client waits.",
        "tool_timeout_sec": "How long a client waits (Codex).",
        "version": "Which version the entry is (VS Code).",
        "watchPaths": "Files that a client watches (Roo Code).",
    }.items()
}

ENTRY = Record(
    {
        **_USED,
        **{name: Key(_USED["url"].shape, "Another word for url.") for name in ADDRESSES[1:]},
        **{name: Key(Anything(), "Another word for type.") for name in KIND_KEYS[2:]},
        **{name: Key(Anything(), "Holds headers.") for name in HEADER_HOLDERS},
        **{name: Key(Anything(), "Another word for headers.") for name in HEADER_WORDS},
        **{name: Key(Anything(), "The token of the header Authorization.") for name in BEARER_KEYS},
        **{name: Key(Anything(), "Another word for env.") for name in ENV_WORDS},
        **CLIENT_KEYS,
        **PRIVATE_KEYS,
    },
    'an object: {"command": "docker", "args": ["run", "-i", "--rm", "IMAGE"]}',
)

INPUTS = Listing(
    Record(
        {
            "id": Key(Text(), "The name that ${input:…} uses."),
            "type": Key(Text(), "How an editor asks for it."),
            "description": Key(Text(), "What an editor asks."),
            "default": Key(Anything(), "The value where none is given."),
            "password": Key(Switch(), "Whether an editor hides it."),
        }
    ),
    "a list of inputs",
)

TEMPLATE_VERSION = Record(
    {
        "image": Key(Text("an image"), "The image that is run."),
        "arguments": Key(_TEXTS, "What follows the image."),
        "command": Key(Text("npx, uvx or the like"), "Instead of an image: as in an entry."),
        "args": Key(_TEXTS, "As in an entry."),
        "env": Key(_ENV, "Variables with their defaults."),
        "required_env": Key(Table(Text()), "Variables that the entry must give, and what each is."),
        "orchestrator": Key(EXTENSION, "As in an entry."),
    },
    'an object: {"image": "…", "required_env": {…}}',
)
TEMPLATE = Record(
    {
        "description": Key(Text(), "What the server is for."),
        "capabilities": Key(_TEXTS, "What it offers: tools, resources, prompts."),
        "versions": Key(
            Table(TEMPLATE_VERSION, Text("a version; use digits", r"[0-9]+")), "What each version of the template runs."
        ),
    },
    'an object: {"description": "…", "versions": {"1": {…}}}',
)
