# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How every module of this collection runs and ends.

What a module does is a function ``run(arguments, check_mode)`` that knows nothing of AnsibleModule, so that it can be
called in any process: it returns the module's result or raises ModuleError.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

Run = Callable[[Mapping[str, Any], bool], dict[str, Any]]


class ModuleError(Exception):
    """A run that ends without its result. ``facts`` are returned beside the message."""

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.facts = facts


def fleet_error(message: str, **facts: Any) -> ModuleError:
    """Returns the error of a run that failed for the whole fleet: one entry in ``errors``, with the server null."""
    return ModuleError(message, errors=[{"server": None, "message": message}], **facts)


def require(library: str, import_error: str | None) -> None:
    """Raises ModuleError where a Python library is missing: ``import_error`` is the traceback of its import."""
    if import_error is not None:
        raise ModuleError(missing_required_lib(library), exception=import_error)


def fail_on_errors(result: dict[str, Any]) -> dict[str, Any]:
    """Returns the result, failed where its ``errors`` are not empty: each is one line of the message."""
    if not result["errors"]:
        return result
    lines = [f"{error['server'] or 'fleet'}: {error['message']}" for error in result["errors"]]
    return {**result, "failed": True, "msg": "\n".join(lines)}


def result_of(run: Run, arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns a run's result in Ansible's form, with ``failed`` and ``msg`` where it failed. Raises nothing.

    ``warnings`` is a list of texts, as an action plugin returns them.
    """
    try:
        return run(arguments, check_mode)
    except ModuleError as error:
        return {"changed": False, "failed": True, "msg": str(error), **error.facts}
    except Exception as error:  # a fault of ours: one sentence, with the trace for a report
        return {
            "changed": False,
            "failed": True,
            "msg": f"unexpected {error!r}; please report it with the traceback",
            "exception": traceback.format_exc(),
        }


def run_module(run: Run, argument_spec: dict[str, Any], **options: Any) -> None:
    """Runs a module and exits. ``options`` are further ones of AnsibleModule. Every module supports check mode."""
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **options)
    result = result_of(run, module.params, module.check_mode)
    for warning in result.pop("warnings", ()):
        module.warn(warning)
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)
