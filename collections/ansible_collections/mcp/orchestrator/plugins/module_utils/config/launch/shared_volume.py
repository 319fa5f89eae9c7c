# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Named volumes that several servers of a fleet name: through one, each could read and change what the other keeps."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def shared_volumes(places: Mapping[str, Mapping[str, str]], permitted: Collection[str]) -> dict[str, dict[str, str]]:
    """Returns what is wrong, by server and place. ``places`` has for each server where each source of a volume stands.

    A disabled server counts as well: what it wrote is still there.
    """
    servers: dict[str, list[str]] = {}
    for server, sources in places.items():
        for source in sources:
            if not source.startswith("/") and source not in permitted:
                servers.setdefault(source, []).append(server)
    problems: dict[str, dict[str, str]] = {}
    for source, names in servers.items():
        for server in names if len(names) > 1 else ():
            others = ", ".join(sorted(set(names) - {server}))
            problems.setdefault(server, {})[places[server][source]] = (
                f"names the volume '{source}', which {others} has too; give each its own, or add it to shared_volumes"
                " in settings.conf"
            )
    return problems
