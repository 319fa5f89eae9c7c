# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module of this collection in Ansible's own process, where that is the process it would start anyway.

A module that travels is searched for, packed, and compiled anew by a new interpreter: about a second of CPU before it
does anything, on the very host that Ansible runs on. Where the connection is local and the module's interpreter is
Ansible's own, the function that the module's ``main()`` calls is called here instead. Everywhere else, and wherever a
task asks for what only a process of its own can give, the module travels as ever.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.plugins.loader import filter_loader, test_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible.utils.display import Display
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import result_of
from ansible_collections.mcp.orchestrator.plugins.plugin_utils.compiled_once import CompiledOnce

_BIN = os.path.realpath(os.path.join(sys.prefix, "bin"))
_MODULES = "ansible_collections.mcp.orchestrator.plugins.modules"
# Ansible loads an action before it forks the process of its task, so that what is loaded here is loaded once a run: the
# modules of every run, and the filters and tests, which every process that meets one would load anew, all of them.
if sys.meta_path[0] is AnsibleCollectionConfig.collection_finder:  # it is not where ansible-test imports this
    sys.meta_path.insert(0, CompiledOnce())
for _name in ("request", "config_info", "container", "route", "probe_info", "state"):
    importlib.import_module(f"{_MODULES}.mcp_{_name}")
filter_loader.get("default")
test_loader.get("defined")
# None of it ends before the run, and a garbage collection that looked at it would copy all of its pages in each task.
gc.freeze()


class InProcessAction(NormalAction):  # type: ignore[misc]  # Ansible has no types
    """The action of every module of this collection."""

    def _execute_module(
        self,
        module_name: str | None = None,
        module_args: dict[str, Any] | None = None,
        tmp: str | None = None,
        task_vars: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Returns the module's result. ``NormalAction`` gives nothing but ``task_vars`` and ``wrap_async``."""
        if not self._is_at_home(task_vars or {}):
            result: dict[str, Any] = super()._execute_module(module_name, module_args, tmp, task_vars, **options)
            return result
        name = self._task.action.rpartition(".")[2]
        Display().vvv(f"Running {name} in this process", host=self._task.delegate_to or "localhost")
        environment: dict[str, str] = {}
        self._compute_environment_string(environment)
        with _added(os.environ, environment):
            return _result(importlib.import_module(f"{_MODULES}.{name}"), self._task.args, self._task.check_mode)

    def _is_at_home(self, task_vars: Mapping[str, Any]) -> bool:
        """Says whether the module would be run by this interpreter, on this host, as this user, and be waited for."""
        task = self._task
        if self._connection.transport != "local" or self._connection.become is not None or task.delegate_to:
            return False
        if task.async_val or task.timeout or constants.DEFAULT_KEEP_REMOTE_FILES:
            return False
        try:
            interpreter = self._templar.template(task_vars.get("ansible_python_interpreter"))
        except AnsibleError:
            return False  # whoever starts the interpreter says what is wrong with it
        # The interpreter of a virtual environment is a link to the system's. Where it lies decides what it can import.
        return bool(interpreter) and os.path.realpath(os.path.dirname(str(interpreter))) == _BIN


def _result(module: ModuleType, given: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns what the task of a module returns: validated, run and cleaned of secrets as AnsibleModule does it."""
    checked = ArgumentSpecValidator(module.ARGUMENT_SPEC).validate(given)
    arguments = checked.validated_parameters
    if checked.error_messages:
        result: dict[str, Any] = {"failed": True, "msg": _fault(checked, module.__name__.rpartition(".")[2])}
    else:
        result = result_of(module.run, arguments, check_mode)
        result.setdefault("changed", False)
    _add_notes(result, checked)
    if Display().verbosity > 2:  # nobody else looks at it, and those of a large fleet are long
        result["invocation"] = {"module_args": arguments}
    # None and booleans are no secrets, whatever a secret's value is.
    kept = {key: value for key, value in result.items() if value is None or isinstance(value, bool)}
    return {**remove_values(result, checked._no_log_values), **kept}


def _add_notes(result: dict[str, Any], checked: ValidationResult) -> None:
    """Adds to a result what AnsibleModule says of arguments that it accepts."""
    both = [f"Both option {each['option']} and its alias {each['alias']} are set." for each in checked._warnings]
    for key, notes in (("warnings", both), ("deprecations", checked._deprecations)):
        if notes:
            result[key] = [*notes, *result.get(key, ())]


def _fault(checked: ValidationResult, name: str) -> str:
    """What is wrong with the arguments, in AnsibleModule's words."""
    message = str(checked.errors.msg)
    if isinstance(checked.errors[0], UnsupportedError):
        return f"Unsupported parameters for (mcp.orchestrator.{name}) module: {message}"
    return message


@contextmanager
def _added(environment: MutableMapping[str, str], more: Mapping[str, Any]) -> Iterator[None]:
    """Holds `more` in the process's environment for the length of a call."""
    before = dict(environment)
    environment.update({key: str(value) for key, value in more.items()})
    try:
        yield
    finally:
        environment.clear()
        environment.update(before)
