"""Which servers there are to verify: those of the state file, or one that is given."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from verify.target import Target

# As little as a container can have; what an image needs beyond it is for its entry in the config.
DOCKER = (
    *("docker", "run", "--rm", "--interactive", "--init", "--cap-drop=ALL", "--security-opt=no-new-privileges"),
    *("--memory=512m", "--pids-limit=256"),
)


class StateUnusable(Exception):
    """A state file that says nothing of servers."""


def of_state(path: Path, direct: bool = False) -> dict[str, Target]:
    """The servers of a state file by name, reached through their routes, or with ``direct`` at their containers.

    One that cannot be asked has the reason. Raises StateUnusable.
    """
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        servers = [*state["servers"], *([] if direct else state["remotes"])]
        return {each["name"]: _target(each, direct) for each in servers}
    except OSError as error:
        raise StateUnusable(f"{path} cannot be read ({error.strerror}); start a run first (make sync)") from error
    except (ValueError, KeyError, TypeError) as error:
        raise StateUnusable(f"{path} is no state file; start a run, which writes it anew (make sync)") from error


def _target(server: Mapping[str, Any], direct: bool) -> Target:
    name = server["name"]
    client = server.get("client")
    if server["condition"] in ("disabled", "stopped", "on_other_hosts", "in_cluster", "invalid"):
        return Target(name, reason=f"it is {server['text']['condition']}")
    if direct:
        endpoint = server.get("endpoint")
        url = endpoint.get("url") if endpoint else None
        if not url:
            return Target(name, reason="it has no container that answers; look at its page or at make logs")
        return Target(name, url, transport="sse" if server["transport"] == "sse" else "http")
    if not client:
        return Target(name, reason="it has no route; look at its page for the reason")
    return Target(name, client["url"], transport=client["type"], headers=client.get("headers", {}))


def of_image(name: str, image: str, arguments: Sequence[str]) -> Target:
    """A server of an image that speaks over stdio, started for each session in a container that ends with it."""
    return Target(name, command=(*DOCKER, image, *arguments))
