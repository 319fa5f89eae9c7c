# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call of the engine's classic builder, within limits.

https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageBuild
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.image.errors import ImageError

# The SDK's own method has no CPU quota and no way to end a build that goes on talking, hence the plain call.
LOG_BYTES = 16 * 1024**2
CONTEXT_BYTES = 4 * 1024**2
_CPU_PERIOD = 100_000  # microseconds
_KILLED = 137


@dataclass(frozen=True)
class Limits:
    """What a build may take: ``memory`` in bytes and no swap besides, ``cpus`` in cores, ``timeout`` in seconds."""

    memory: int = 2 * 1024**3
    cpus: float = 2.0
    timeout: int = 900

    def parameters(self) -> dict[str, int]:
        """As the Engine API takes them."""
        return {
            "memory": self.memory,
            "memswap": self.memory,
            "cpuperiod": _CPU_PERIOD,
            "cpuquota": round(self.cpus * _CPU_PERIOD),
        }


class StepFailed(ImageError):
    """A step ended with an error of its own; ``log`` is what the build had said until then."""

    def __init__(self, message: str, log: str) -> None:
        super().__init__(message)
        self.log = log


def run_build(
    client: Any,
    context: bytes,
    limits: Limits,
    *,
    tag: str | None = None,
    labels: Mapping[str, str] | None = None,
    buildargs: Mapping[str, str] | None = None,
    nocache: bool = False,
    network: str | None = None,
) -> str:
    """Builds a context (a tar) and returns the image's id. Its steps run in ``network``, None is the engine's own.

    The engine gets no credentials with it: bases are pulled before. Raises StepFailed where a step ends with an error
    of its own, ImageError for everything else.
    """
    if len(context) > CONTEXT_BYTES:
        raise ImageError(
            f"its runtime template is over {CONTEXT_BYTES >> 20} MiB; leave only what the build needs in it"
        )
    parameters = {
        **limits.parameters(),
        "rm": True,
        "forcerm": True,
        "nocache": nocache,
        "labels": json.dumps(dict(labels or {})),
        "buildargs": json.dumps(dict(buildargs or {})),
        **({"t": tag} if tag else {}),
        **({"networkmode": network} if network else {}),
    }
    log: list[str] = []
    built = ""
    with _answer(client, context, parameters, limits) as lines:
        for line in lines:
            if "error" in line:
                raise _failure(line, "".join(log), limits)
            log.append(str(line.get("stream", "")))
            built = (line.get("aux") or {}).get("ID", built)
    if not built:
        raise ImageError("the engine returned no image id")
    return str(built)


@contextmanager
def _answer(
    client: Any, context: bytes, parameters: Mapping[str, Any], limits: Limits
) -> Iterator[Iterator[dict[str, Any]]]:
    """What the engine says while it builds. Where the body is left early, the engine ends the build."""
    response = client.post(
        f"{client.base_url}/v{client.api_version}/build",
        params=parameters,
        data=context,
        headers={"Content-Type": "application/x-tar"},
        stream=True,
        timeout=limits.timeout,
    )
    over = threading.Event()
    timer = threading.Timer(limits.timeout, _end, (response, over))
    timer.daemon = True
    with closing(response):
        if not response.ok:
            raise ImageError(_refusal(response.text))
        timer.start()
        try:
            yield _lines(response)
        except Exception:
            if over.is_set():
                raise ImageError(
                    f"it took over {limits.timeout} s; set [builds] timeout in settings.conf if it needs more"
                ) from None
            raise
        finally:
            timer.cancel()


def _end(response: Any, over: threading.Event) -> None:
    over.set()
    # Wakes the reader; where the connection knows no such thing (ssh), the read's own time-out is left.
    with suppress(ValueError, OSError):
        response.raw.shutdown()


def _lines(response: Any) -> Iterator[dict[str, Any]]:
    said = 0
    for line in response.iter_lines():
        said += len(line)
        if said > LOG_BYTES:
            raise ImageError(f"its log is over {LOG_BYTES >> 20} MiB; something in it repeats itself")
        if line:
            yield json.loads(line)


def _refusal(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip() or "the engine refused without a reason"


def _failure(line: Mapping[str, Any], log: str, limits: Limits) -> ImageError:
    if (line.get("errorDetail") or {}).get("code") == _KILLED:
        return ImageError(
            f"a step was killed, most likely at the limit of {limits.memory >> 20} MiB of memory;"
            " set [builds] memory in settings.conf if it needs more"
        )
    return StepFailed(str(line["error"]).strip(), log)
