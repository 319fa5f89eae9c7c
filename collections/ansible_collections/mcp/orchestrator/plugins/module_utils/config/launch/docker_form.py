# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries that start a server with ``docker run`` or ``podman run``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.argument_checks import (
    References,
    names_in,
    settled_arguments,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.docker_flag_values import (
    ALLOWED,
    GUARDED,
    HARMLESS,
    READERS,
    SWITCHES,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.docker_flags import Handling
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.docker_run_parser import (
    FlagUse,
    parse_docker_run,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.image import image_error
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.volume import UnsafeVolume
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.parsed_entry import ParsedEntry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.env_file import EnvFileError, read_env_file
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import looks_secret, quoted
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import (
    editor_folder_in,
    has_reference,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.variables import with_own_variables
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.permissions import Permissions

_PORTS = re.compile(r"[0-9.:\[\]-]+(?:/[a-z]+)?")
# Their values may look like TOKEN:x and are none, or are checked by themselves.
_PAIRS = frozenset({"volume", "mount", "tmpfs", "publish", "env-file", "label", "add-host"})
_MOUNT_OR_PORT = re.compile(r"/[^:]*:/|([0-9.]+:)?[0-9]+:[0-9]+$")

Reader = Callable[[str], None]


class _DockerForm:
    def __init__(self, references: References, permissions: Permissions, findings: Findings) -> None:
        self.references = references
        self.env = references.own
        self.permissions = permissions
        self.findings = findings
        self.parsed = ParsedEntry()
        self.from_files: dict[str, Secret] = {}
        self.named: set[str] = set()

    def apply(self, use: FlagUse) -> None:
        """Does what the table says of the flag."""
        handling, note = use.flag.handling, use.flag.note
        if use.flag.name == "interactive" and use.is_on:
            self.parsed.stdio = f"'{use.spelling}'"
        if handling is Handling.OURS:
            self.findings.explain(use.path, f"'{use.spelling}' is ignored: {note}")
        elif handling is Handling.UNSUPPORTED:
            self.findings.error(use.path, f"'{use.spelling}' is not supported: {note}")
        elif use.flag.name == "env":
            self._read(use, self._variable)
            if "=" in use.value:
                self.parsed.places[use.value.partition("=")[0]] = use.path
        elif use.flag.takes_value and has_reference(use.value):
            self._with_references(use)
        elif use.flag.takes_value and use.flag.name not in _PAIRS and looks_secret(use.value):
            message = f"{_shown(use)} looks like a secret, which everybody on the host can read there; put it into env"
            self.findings.error(use.path, message)
        else:
            self._do(use)

    def _with_references(self, use: FlagUse) -> None:
        folder = editor_folder_in(use.value)
        if folder:
            message = f"'{use.spelling}' has {folder}, a folder of the client's machine; write a path of the host"
            self.findings.error(use.path, message)
            return
        self.named |= names_in([use.value], self.env)
        value = self.references.resolved(use.value, use.spelling, use.path, self.findings)
        if value is not None and not has_reference(value):
            self._do(replace(use, value=value))

    def _do(self, use: FlagUse) -> None:
        if use.flag.handling is Handling.REFUSED:
            self._refused(use)
        else:
            self._mapped(use)

    def _mapped(self, use: FlagUse) -> None:
        name = use.flag.name
        if name in SWITCHES:
            setattr(self.parsed, SWITCHES[name], use.is_on)
        elif name == "env-file":
            self._read(use, self._env_file)
        elif name in GUARDED:
            self._read(use, lambda value: GUARDED[name](self.parsed, value, self.permissions))
            for volume in self.parsed.volumes:
                self.parsed.volume_places.setdefault(volume.partition(":")[0], use.path)
        else:
            self._read(use, lambda value: READERS[name](self.parsed, value))

    def _refused(self, use: FlagUse) -> None:
        name, allow = use.flag.name, use.flag.allow
        if use.value in HARMLESS.get(name, ()) or (not use.flag.takes_value and not use.is_on):
            self.findings.explain(use.path, f"{_shown(use)} is ignored: this is the case anyway")
        elif allow and allow in self.permissions:
            self.findings.explain(use.path, f"{_shown(use)} is allowed by {allow} in settings.conf")
            self._read(use, lambda value: ALLOWED[name](self.parsed, value))
        else:
            way_out = f"set {allow} in settings.conf if you mean it" if allow else "remove it"
            self.findings.error(use.path, f"{_shown(use)} is not allowed: {use.flag.note}; {way_out}")

    def _read(self, use: FlagUse, reader: Reader) -> None:
        try:
            reader(use.value)
        except UnsafeVolume as error:
            self.findings.error(use.path, f"{_shown(use)} is not allowed: {error}")
        except ValueError as error:
            self.findings.error(use.path, f"{_shown(use)} {error}")

    def _variable(self, value: str) -> None:
        name, equals, text = value.partition("=")
        if not name or re.search(r"\s", name):
            raise ValueError("has no name of a variable; write NAME=value, or NAME and its value in env")
        self.named.add(name)
        if equals:
            filled, names = with_own_variables(text, self.env)
            self.parsed.env[name] = Secret(filled)
            self.named |= names
        elif name in self.env:
            self.parsed.env[name] = self.env[name]
        else:
            raise ValueError("takes its value from env, where it is missing; add it to env")

    def _env_file(self, value: str) -> None:
        try:
            variables = read_env_file(value, quotes=False)
        except EnvFileError as error:
            raise ValueError(str(error)) from None
        for name, secret in variables.items():
            if secret is not None:
                self.from_files[name] = secret
            elif name in self.env:
                self.named.add(name)
                self.parsed.env.setdefault(name, self.env[name])

    def finish(self, command: tuple[str, ...]) -> ParsedEntry:
        """Returns the entry, once all flags are applied."""
        parsed = self.parsed
        # As docker does: what -e says goes before what a file says.
        parsed.verbatim = set(self.from_files) - set(parsed.env)
        parsed.env = {**self.from_files, **parsed.env}
        behind = self._behind(command)
        for name in sorted(set(self.env) - self.named - behind - set(self.references.elsewhere)):
            self.findings.warn(f"env.{name}", f"does not reach the container: no '-e {name}' in args names it; add it")
        for word, following in zip(command, (*command[1:], ""), strict=False):
            if word == "--rm" or (word in {"-v", "--volume", "-p", "--publish"} and _MOUNT_OR_PORT.match(following)):
                self.findings.warn("args", f"'{word}' stands behind the image, and is an argument of the server")
        for name in sorted(behind):
            self.findings.error("args", f"-e {name} stands behind the image; write it before")
        if command:
            parsed.command = command
        elif parsed.entrypoint is not None:
            parsed.command = ()  # docker drops the image's own command together with its entrypoint
        return parsed

    def _behind(self, command: tuple[str, ...]) -> set[str]:
        """The variables of env that a flag behind the image names, where it is the server's own argument."""
        words = [
            re.sub(r"^(-e|--env)[\s=]+", "", word) if re.match(r"(-e|--env)[\s=]", word) else following
            for word, following in zip(command, (*command[1:], ""), strict=False)
            if re.fullmatch(r"(-e|--env)([\s=].*)?", word, re.DOTALL)
        ]
        return {word.partition("=")[0] for word in words} & set(self.env) - self.named


def _shown(use: FlagUse) -> str:
    """The flag with its value, where the value cannot be a secret."""
    if not use.flag.takes_value:
        return f"'{use.spelling}'"
    if use.flag.name == "env":
        return f"'{use.spelling} {printable(use.value.partition('=')[0])}'"
    if use.flag.name == "publish" and not _PORTS.fullmatch(use.value):
        return f"'{use.spelling} …'"  # as the clients of databases take a password
    shown = quoted(use.value)
    return f"'{use.spelling} {shown[1:]}" if shown.startswith("'") else f"'{use.spelling}' with {shown}"


def read_docker(
    args: Sequence[str],
    start: int,
    references: References,
    secret: bool,
    permissions: Permissions,
    findings: Findings,
) -> ParsedEntry:
    """Reads the arguments behind ``docker run``.

    Takes the entry's ``args``, the position behind the word ``run``, what references stand for, whether what follows
    the image may hold secrets, and what the settings permit. What is wrong goes to ``findings``; the entry is then
    incomplete.
    """
    errors_before = len(findings.errors)
    run = parse_docker_run(args, start, findings)
    # Behind a flag that nobody knows, its value may be taken for the image.
    is_certain = len(findings.errors) == errors_before
    form = _DockerForm(references, permissions, findings)
    for use in run.uses:
        form.apply(use)
    form.named |= names_in(run.command, references.own)
    first = run.image_position + 1
    parsed = form.finish(run.command if secret else settled_arguments(run.command, first, references, findings))
    if run.image is None:
        if len(findings.errors) == errors_before:
            findings.error("args", "has no image; write it behind the flags")
        return parsed
    parsed.image, place = run.image, f"args[{run.image_position}]"
    if has_reference(run.image):
        parsed.image = references.resolved(run.image, "", place, findings) or ""
    problem = None if has_reference(parsed.image) or not parsed.image else image_error(parsed.image)
    if problem and is_certain:
        findings.error(place, problem)
    return parsed
