# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line of the bridge: our runtime's loader and interpreter, the bridge's options, the server's command.

Pure, and the same wherever the container runs; the runtime is mounted at ``BRIDGE_MOUNT`` there.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import (
    BRIDGE_CALL_RECORD,
    BRIDGE_LOG_LEVEL,
    Image,
)

BRIDGE_PORT = 8000
BRIDGE_MOUNT = "/.mcp"
LIBRARIES = (f"{BRIDGE_MOUNT}/ld.so", "--library-path", f"{BRIDGE_MOUNT}/lib")
# --argv0 and -I keep the interpreter from looking for itself in the image; -S and -OO save memory.
INTERPRETER = (*LIBRARIES, "--argv0", f"{BRIDGE_MOUNT}/python", f"{BRIDGE_MOUNT}/python", "-ISOO")


def bridge_command(spec: Spec, child: Sequence[str], policy: Policy) -> list[str]:
    """Returns what a container of a stdio server runs; ``child`` is the server's own command."""
    address = ("--port", str(BRIDGE_PORT), "--path", spec.path)
    return [*INTERPRETER, "-m", "bridge", *address, *_options(spec, policy), "--", *child]


def child_command(spec: Spec, image: Image) -> tuple[str, ...]:
    """Returns the server's own command, as docker run has it: an entrypoint of one's own takes the image's command
    away."""
    if spec.entrypoint is not None:
        return (*spec.entrypoint, *(spec.command or ()))
    return (*image.entrypoint, *(image.command if spec.command is None else spec.command))


def _options(spec: Spec, policy: Policy) -> list[str]:
    apart = ("allowed_hosts", "call_record", "log_level")
    log_level, call_record = policy.log_level_of(spec), policy.call_record_of(spec)
    options = (
        ("--isolation", spec.isolation),
        ("--idle-timeout", spec.idle_timeout),
        ("--sleep-after", spec.sleep_after),
        ("--deep-check-interval", spec.deep_check_interval),
        ("--log-level", None if log_level == BRIDGE_LOG_LEVEL else log_level),
        ("--call-record", None if call_record == BRIDGE_CALL_RECORD else call_record),
        *(("--allow-origin", origin) for origin in policy.allowed_origins),
        *(("--allow-host", name) for name in spec.bridge.get("allowed_hosts", ())),
        *((f"--{name.replace('_', '-')}", value) for name, value in spec.bridge.items() if name not in apart),
    )
    return [word for name, value in options if value is not None for word in (name, str(value))]
