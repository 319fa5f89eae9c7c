# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One entry of a config: its keys, checked, and the form it is written in."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.bridge_extension import read_bridge
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.client_header import check_header_references
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.extension import (
    KEY,
    Extension,
    apply_extension,
    read_extension,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import (
    Findings,
    key_path,
    printable,
    suggestion,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.given_values import check_started
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.argument_checks import (
    References,
    settled_arguments,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.client_machine import (
    warn_of_client_machine,
    warn_of_client_volumes,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.docker_form import read_docker
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.machine_variables import (
    without_machine_variables,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.node_form import PROGRAMS, read_node
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.package_index import (
    check_index,
    check_index_variables,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.pinning import check_pins
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.program import Program, find_program
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.python_form import (
    PYTHON,
    is_python_program,
    read_python,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.secret_arguments import hide_arguments
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.unknown_program import (
    unknown_program_error,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.parsed_entry import SCRATCH, ParsedEntry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.reach import Reach, read_reach
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.dialect import carries_login, plain_entry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.env_file import EnvFileError, read_env_file
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import (
    BRIDGE,
    CLIENT_KEYS,
    ENTRY,
    EXTENSION,
    PRIVATE_KEYS,
    REPLICAS,
    RESOURCES,
    STARTS,
    SWITCHES,
    SYNONYMS,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.shape import Record
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.template_registry import (
    TemplateRegistry,
    expand,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.remote import (
    Remote,
    is_remote,
    read_proxy,
    read_remote,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.requirement import (
    Requirement,
    check_network,
    nested_records,
    read_requirements,
    variables_used,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import (
    looks_secret,
    quoted,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.permissions import Permissions

_USED = frozenset({"type", "command", "args", "env", "envFile", "url", "headers", "template", "transport"})
_ENGINES = frozenset({"docker", "podman"})
_SYSTEM_FOLDERS = re.compile(r"(?:/usr(?:/local)?/bin/|/opt/homebrew/bin/|/bin/)?[^/\\]+")


@dataclass(frozen=True)
class Context:
    """What holds for all entries: what the settings permit, the templates, whether to be strict, the isolation of
    those that name none, and whether images have to be named with their digest."""

    permissions: Permissions
    registry: TemplateRegistry
    strict: bool = False
    isolation: str | None = None
    require_digests: bool = False
    environment: Mapping[str, str] | None = None
    """The reconciler's own variables, for references in arguments; None where nothing is looked up."""


@dataclass(frozen=True)
class LocalServer:
    """A server that runs in a container of this fleet; a Remote is the other kind. ``bridge`` is as ``Spec.bridge``."""

    parsed: ParsedEntry
    reach: Reach
    extension: Extension
    bridge: Mapping[str, Any]
    template: str | None = None
    requirements: tuple[Requirement, ...] = ()


def is_enabled(entry: Mapping[str, Any], findings: Findings) -> bool:
    """Returns whether the entry is to run: neither ``disabled`` nor not ``enabled``."""
    said = {key: entry[key] is SWITCHES[key] for key in sorted(SWITCHES) if isinstance(entry.get(key), bool)}
    if len(set(said.values())) > 1:
        first, *others = said
        findings.error(first, f"contradicts '{others[-1]}'; keep one")
    return all(said.values())


def client_keys(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the keys for clients that hold no secret, as they stand in the entry."""
    return {key: entry[key] for key in CLIENT_KEYS if key in entry}


def private_keys(entry: Mapping[str, Any]) -> dict[str, Secret]:
    """Returns the keys for clients that may hold a secret, each as JSON."""
    return {key: Secret(json.dumps(entry[key])) for key in PRIVATE_KEYS if key in entry}


def read_entry(name: str, entry: Any, context: Context, findings: Findings) -> LocalServer | Remote | None:
    """Reads what the entry asks for; None where it is wrong, and the reasons go to ``findings``."""
    if isinstance(entry, dict):
        entry = plain_entry(_flat_transport(entry), findings)
    problems = list(ENTRY.errors(entry, ""))
    for path, message in problems:
        findings.error(path, message)
    if not isinstance(entry, dict):
        return None
    _check_keys(entry, context.strict, findings)
    wrong = {path.partition(".")[0].partition("[")[0] for path, _message in problems}
    if wrong & _USED:
        return None
    entry = {key: value for key, value in entry.items() if key not in wrong}
    if "template" in entry:
        filled = expand(entry, context.registry, findings)
        read = None if filled is None else _read_local(name, filled, context, findings)
        return replace(read, template=str(entry["template"])) if isinstance(read, LocalServer) else read
    if is_remote(entry):
        return read_remote(name, entry, findings)
    return _read_local(name, entry, context, findings)


def _check_keys(entry: Mapping[str, Any], strict: bool, findings: Findings) -> None:
    for key in entry:
        if key in ENTRY.keys and key not in _USED | set(SWITCHES) | {"orchestrator", "cwd"} and not _is_address(key):
            findings.explain(key_path("", key).lstrip("."), "is for clients; it changes nothing here")
    inner = entry.get("anythingllm")
    inner = inner if isinstance(inner, dict) else {}
    said = {**entry, **{f"anythingllm.{key}": value for key, value in inner.items()}}
    for key in (*STARTS, "anythingllm.autoStart"):
        if said.get(key) is False:
            findings.warn(key, 'is for clients, and the server runs here; write "disabled": true where it must not')
    _check_unknown(ENTRY, entry, "", "a server", strict, findings)
    extension = entry.get("orchestrator")
    if isinstance(extension, dict):
        _check_unknown(EXTENSION, extension, "orchestrator", "'orchestrator'", strict, findings)
        for name, record in (("resources", RESOURCES), ("bridge", BRIDGE), ("replicas", REPLICAS)):
            _check_unknown(record, extension.get(name), f"orchestrator.{name}", f"'{name}'", strict, findings)
        requires = extension.get("requires")
        for path, record, value in nested_records(requires if isinstance(requires, dict) else {}):
            _check_unknown(record, value, path, "a requirement", strict, findings)


def _is_address(key: str) -> bool:
    return key in {"httpUrl", "serverUrl", "baseUrl"}


def _check_unknown(record: Record, value: Any, path: str, what: str, strict: bool, findings: Findings) -> None:
    for key in record.unknown(value):
        if record is ENTRY and carries_login(key, value[key]):
            where = "headers" if is_remote(value) else "env, under the name that the server reads"
            findings.error(
                key_path("", key).lstrip("."), f"looks like a login, and no such key is read; put it into {where}"
            )
            continue
        message = f"is not a key of {what}{_meant(key, record)}"
        if record is ENTRY and isinstance(value[key], bool) and get_close_matches(key.lower(), SWITCHES, cutoff=0.8):
            # What somebody has switched off must not run.
            findings.error(key_path("", key).lstrip("."), message)
            continue
        tell = findings.error if strict else findings.warn
        tell(key_path(path, key).lstrip("."), message if strict else f"is ignored: it {message}")


def _meant(key: str, record: Record) -> str:
    other = suggestion(key, SYNONYMS)
    for word, meant in SYNONYMS.items():
        if f"'{word}'" in other and meant in record.keys:
            return f"; do you mean '{meant}'?"
    return suggestion(key, record.keys)


def _flat_transport(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with what some clients put into an object ``transport`` where the others have it."""
    transport = entry.get("transport")
    if not isinstance(transport, dict):
        return entry
    return {**transport, **{key: value for key, value in entry.items() if key != "transport"}}


def _read_local(
    name: str, entry: Mapping[str, Any], context: Context, findings: Findings
) -> LocalServer | Remote | None:
    args = tuple(entry.get("args", ()))
    if "cwd" in entry:
        findings.explain("cwd", "is ignored: it is a folder of the client's machine")
    if "command" not in entry:
        findings.error("command", "is missing: it names the program that starts the server; a remote one needs 'url'")
        return None
    _check_headers(entry, findings)
    program = find_program(entry["command"], args)
    from_file = _env_file(entry, findings)
    env = {**from_file, **_env(entry), **{variable: Secret(value) for variable, value in program.variables}}
    extension = read_extension(entry)
    secret = bool(extension.secret_args)
    program = replace(program, folder=_folder(entry, env))
    references = References(env, context.environment, variables_used(extension.requires, env))
    parsed = _parse_program(name, program, args, references, secret, context, findings)
    if parsed is None or isinstance(parsed, Remote):
        return parsed and replace(parsed, group=extension.group)
    parsed.verbatim |= {each for each, value in from_file.items() if parsed.env.get(each) is value}
    if parsed.recipe is not None and isinstance(entry.get("registryUrl"), str) and entry["registryUrl"]:
        check_index("registryUrl", "registryUrl", entry["registryUrl"], findings)
    check_pins(parsed, args, context.require_digests, findings)
    apply_extension(extension, parsed, context.permissions, findings)
    requirements = read_requirements(
        name, extension.requires, env, context.permissions, context.require_digests, findings
    )
    check_network(parsed, requirements, findings)
    if parsed.recipe is not None:
        folders = [SCRATCH, *_mounted(parsed)]
        parsed.env = without_machine_variables(parsed.env, folders, findings)
    check_started(parsed, args, findings)
    _warn_of_client_machine(parsed, 0 if secret else len(args), context.environment is not None, findings)
    if entry.get("type") == "stdio":
        parsed.stdio = "'type'"
    reach = read_reach(name, parsed, extension, entry.get("type"), findings)
    check_header_references(parsed, reach.transport, extension.isolation or context.isolation, findings)
    bridge = read_bridge(extension.bridge, f"{KEY}.bridge", findings)
    if secret and (count := hide_arguments(parsed, len(args), env, reach.transport, findings)):
        bridge["secret_args"] = count
    return LocalServer(parsed, reach, extension, bridge, requirements=requirements)


def _mounted(parsed: ParsedEntry) -> list[str]:
    """The folders of the container in which something is mounted."""
    return [each.split(":")[1] for each in parsed.volumes]


def _warn_of_client_machine(parsed: ParsedEntry, count: int, on_the_host: bool, findings: Findings) -> None:
    """``count`` is the length of args, 0 where the server's arguments are secret."""
    command = parsed.command or () if count else ()
    words = {f"args[{count - len(command) + position}]": word for position, word in enumerate(command)}
    words |= {parsed.places.get(name, key_path("env", name)): value.reveal() for name, value in parsed.env.items()}
    own_network = parsed.egress is None or parsed.egress.plain_network != "host"
    warn_of_client_machine(words, _mounted(parsed), findings, own_network=own_network)
    # On the host itself a path is what it is, and not what it looks like.
    missing = [each for each in parsed.volumes if not on_the_host or not os.path.lexists(each.partition(":")[0])]
    warn_of_client_volumes(missing, parsed.volume_places, findings)


def _check_headers(entry: Mapping[str, Any], findings: Findings) -> None:
    """Says that nobody sends the headers of a server that is started, and refuses to drop a login."""
    for name in entry.get("headers", {}):
        path = key_path("headers", name)
        if carries_login(name, entry["headers"][name]):
            findings.error(path, "is for a remote server; put it into env, under the name that the server reads")
        else:
            findings.warn(path, "is ignored: headers are for remote servers")


def _folder(entry: Mapping[str, Any], env: Mapping[str, Secret]) -> str:
    """The key that says where the modules of the client's machine lie, or empty."""
    if entry.get("cwd"):
        return "cwd"
    return key_path("env", "PYTHONPATH") if "PYTHONPATH" in env else ""


def _env_file(entry: Mapping[str, Any], findings: Findings) -> dict[str, Secret]:
    if "envFile" not in entry:
        return {}
    try:
        variables = read_env_file(entry["envFile"], quotes=True)
    except EnvFileError as error:
        findings.error("envFile", f"'{printable(entry['envFile'])}' {error}")
        return {}
    return {name: value for name, value in variables.items() if value is not None}


def _env(entry: Mapping[str, Any]) -> dict[str, Secret]:
    given = entry.get("env", {})
    # As editors have it, null is a variable that is not set.
    said = {name: value for name, value in given.items() if value is not None}
    return {name: Secret(value if isinstance(value, str) else str(value)) for name, value in said.items()}


def _parse_program(
    name: str,
    program: Program,
    args: Sequence[str],
    references: References,
    secret: bool,
    context: Context,
    findings: Findings,
) -> ParsedEntry | Remote | None:
    """``secret``: whether the server's own arguments are kept secret, and so may hold any."""
    env = dict(references.own)
    if program.name in _ENGINES:
        start = _behind_run(program, args, findings)
        return None if start is None else read_docker(args, start, references, secret, context.permissions, findings)
    if program.name in PROGRAMS:
        parsed = read_node(program.name, args, program.start, findings)
    elif is_python_program(program.name) and not _is_somebodys_own(program):
        parsed = read_python(program.name, args, program.start, program.folder, findings)
    else:
        findings.error(program.key, unknown_program_error(program))
        return None
    if parsed is None or parsed.recipe is None or parsed.command is None:
        return parsed
    first = len(args) - len(parsed.command)
    remote = read_proxy(name, parsed.recipe.package, parsed.command, first, env, findings)
    if remote is not None:
        return remote
    if not secret:
        parsed.command = settled_arguments(parsed.command, first, references, findings)
    if any(looks_secret(word) for word in (parsed.recipe.executable, parsed.recipe.module, parsed.recipe.file) if word):
        findings.error("args", "has a secret where the program belongs; put it into env")
    check_index_variables(env, findings)
    parsed.env = {**env, **parsed.env}
    return parsed


def _behind_run(program: Program, args: Sequence[str], findings: Findings) -> int | None:
    """The position behind ``run``, ``container run``; None when the engine is asked for something else."""
    words = list(args[program.start : program.start + 2])
    if words[:1] == ["run"]:
        return program.start + 1
    if words == ["container", "run"]:
        return program.start + 2
    if words and re.match(r"run\s", words[0]):
        findings.error(f"args[{program.start}]", f"{quoted(words[0])} are several words; write each on its own")
        return None
    said = f"{program.name} {quoted(words[0])} does not start a container" if words else "has no command"
    findings.error(
        f"args[{program.start}]" if words else "args",
        f"{said}; write '{program.name} run' with the image's name, and all flags behind it",
    )
    return None


def _is_somebodys_own(program: Program) -> bool:
    """Whether an interpreter is one of a virtual environment, which has packages that nobody knows here."""
    return bool(PYTHON.fullmatch(program.name)) and not _SYSTEM_FOLDERS.fullmatch(program.path)
