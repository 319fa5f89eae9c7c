# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the manifest of an MCPB bundle to a version of a template. Pure.

What the bundle brings along is mounted into its container from a folder of the host, into which its user unpacks it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import key_path, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.shape import Record
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.bundle_keys import (
    COMPATIBILITY,
    LAUNCH,
    MANIFEST,
    OPTION,
    SERVER,
    VERSIONS,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.draft import Draft, one_line
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.inputs import plain_text

Json = dict[str, Any]

FOLDER = "/bundle"
HOST_FOLDERS = "/srv/mcp"
IMAGES = {"node": "node:22-slim", "python": "python:3.12-slim", "binary": "debian:stable-slim"}
_PACKAGE_RUNNERS = ("npx", "uvx")
_DIRECTORY = re.compile(r"\$\{__dirname\}")
_OPTION = re.compile(r"\$\{user_config\.([^{}]+)\}")
_SEPARATOR = re.compile(r"\$\{(pathSeparator|/)\}")
_UV = "an image with uv, the bundle and its dependencies has to be built; write an entry of docker run for that"


def is_manifest(value: Any) -> bool:
    """Returns whether a document is the manifest of a bundle."""
    server = value.get("server") if isinstance(value, dict) else None
    return isinstance(server, dict) and bool({"mcp_config", "entry_point"} & set(server))


def from_manifest(value: Json, name: str, draft: Draft) -> Json | None:
    """Returns how the server is started; None with the reasons in ``draft``. ``name`` is the template's."""
    for path, message in MANIFEST.errors(value, ""):
        draft.error(path, message)
    if draft.errors:
        return None
    version = value.get("manifest_version", value.get("dxt_version"))
    if version not in VERSIONS:
        draft.note("manifest_version", f"'{printable(str(version))}' is not known here, only {', '.join(VERSIONS)}")
    _say_unknown(value, draft)
    server, launch = value["server"], _launch(value["server"], draft)
    _check_platform(value.get("compatibility", {}), draft)
    if server.get("type") == "uv":
        draft.error("server.type", f"'uv' is not made into a template: {_UV}")
    elif launch is None:
        draft.error("server.mcp_config", "has no command: there is nothing to start")
    if draft.errors or launch is None:
        return None
    return _Reading(value.get("user_config", {}), launch[1], draft).result(server, launch[0], name)


def capabilities(value: Mapping[str, Any]) -> list[str]:
    """Returns what the manifest says that the server offers."""
    return [each for each in ("tools", "prompts") if value.get(each) or value.get(f"{each}_generated")]


def _launch(server: Json, draft: Draft) -> tuple[Json, str] | None:
    """How it is started on Linux, and the key of that."""
    launch = dict(server.get("mcp_config", {}))
    overrides = launch.pop("platform_overrides", {})
    linux = overrides.get("linux", {})
    key = "server.mcp_config"
    for name, value in linux.items():
        launch[name] = {**launch.get(name, {}), **value} if name == "env" else value
    if linux:
        draft.note(f"{key}.platform_overrides", "those of linux are taken")
    return (launch, key) if launch.get("command") else None


def _check_platform(found: Mapping[str, Any], draft: Draft) -> None:
    platforms = found.get("platforms")
    if platforms and "linux" not in platforms:
        draft.error(
            "compatibility.platforms", f"has {one_line(', '.join(platforms))} and not linux, which containers run"
        )
    for name, version in found.get("runtimes", {}).items():
        draft.note(
            key_path("compatibility.runtimes", name),
            f"'{printable(version)}' is not compared with what the image has ({IMAGES.get(name, 'none is known')})",
        )


class _Reading:
    """Reads the words of one server's start."""

    def __init__(self, options: Mapping[str, Any], key: str, draft: Draft) -> None:
        self._options = options
        self._key = key
        self._draft = draft
        self._has_files = False

    def result(self, server: Json, launch: Json, name: str) -> Json | None:
        command = str(launch["command"])
        args = [
            word
            for at, each in enumerate(launch.get("args", ()))
            for word in self._words(each, f"{self._key}.args[{at}]")
        ]
        for variable, text in launch.get("env", {}).items():
            self._variable(variable, text, key_path(f"{self._key}.env", variable))
        program = command.rpartition("/")[2]
        if program in _PACKAGE_RUNNERS and not self._has_files:
            return {"command": program, "args": args}
        return self._mounted(server, command, args, name)

    def _mounted(self, server: Json, command: str, args: Sequence[str], name: str) -> Json | None:
        kind, draft = str(server.get("type", "binary")), self._draft
        [word] = self._words(command, f"{self._key}.command") or [command]
        if kind == "binary" and not word.startswith("/"):
            word = f"{FOLDER}/{word}"
        elif kind != "binary" and word in ("python", "python3", "node"):
            word = "python3" if kind == "python" else "node"
        folder = f"{HOST_FOLDERS}/{name}"
        # A relative path is one of the bundle: clients start it there.
        first = args[0] if args else ""
        if first and not first.startswith(("/", "-", "$")) and first == server.get("entry_point"):
            args = [f"{FOLDER}/{first}", *args[1:]]
        draft.extension["volumes"] = [f"{folder}:{FOLDER}:ro"]
        draft.note("server.entry_point", f"is a file of the bundle: unpack it on the host, unzip -d {folder} BUNDLE")
        return {"image": IMAGES[kind], "arguments": [word, *args]}

    def _words(self, text: str, key: str) -> list[str]:
        whole = _OPTION.fullmatch(text)
        if whole:
            return self._of_option(whole[1], key)
        if _OPTION.search(text):
            return [_OPTION.sub(lambda match: (self._of_option(match[1], key) or [""])[0], self._own(text, key))]
        return [self._own(text, key)]

    def _of_option(self, name: str, key: str) -> list[str]:
        option = self._option(name, key)
        if option is None:
            return []
        default, secret = option.get("default"), option.get("sensitive") is True
        said = default if isinstance(default, list) else [] if default is None else [plain_text(default)]
        words = [self._own(each, f"user_config.{name}.default") for each in said]
        is_usable = not any("${" in each for each in words)
        if len(words) > 1 and is_usable:
            return words
        if words and is_usable:
            return [self._draft.offer_in_argument(name, words[0], secret)]
        if option.get("required") is True or words:
            return [self._draft.ask_in_argument(name, _told(option), secret)]
        self._draft.note(key, f"is left out; an entry's args add it behind all others: {_told(option)}")
        return []

    def _variable(self, variable: str, text: str, key: str) -> None:
        draft = self._draft
        options = {name: self._option(name, key) for name in _OPTION.findall(text)}
        settled = {
            name: ",".join(map(plain_text, default)) if isinstance(default, list) else plain_text(default)
            for name, option in options.items()
            if option is not None and (default := option.get("default")) is not None
        }
        open_ones = [option for name, option in options.items() if option is not None and name not in settled]
        own = self._own(_OPTION.sub(lambda match: settled.get(match[1], ""), text), key)
        if not open_ones and "${" not in own:
            draft.env[variable] = own
            return
        form = "" if _OPTION.fullmatch(text) else f", as {one_line(_OPTION.sub('<…>', text))}"
        what = f"{'; '.join(_told(each) for each in open_ones) or 'a value of the client'}{form}"
        if not open_ones or any(each.get("required") is True for each in open_ones):
            draft.require(variable, what)
        else:
            draft.note(key, f"{variable} is left to the entry's env, which may have it: {what}")

    def _option(self, name: str, key: str) -> Json | None:
        option: Json | None = self._options.get(name)
        if option is None:
            self._draft.error(key, f"'{printable(name)}' is not an option of user_config")
            return None
        if option.get("type") in ("directory", "file"):
            self._draft.note(
                f"user_config.{name}.type",
                "is a path: mount it by orchestrator.volumes of the entry, and give its path in the container",
            )
        if option.get("multiple") is True:
            self._draft.note(f"user_config.{name}.multiple", "is there once; an entry's args add more")
        return option

    def _own(self, text: str, key: str) -> str:
        """The text with the bundle's own folder; what else a client fills in is left, and told."""
        self._has_files = self._has_files or bool(_DIRECTORY.search(text))
        text = _SEPARATOR.sub("/", _DIRECTORY.sub(FOLDER, text))
        left = [each for each in re.findall(r"\$\{[^{}]*\}?", text) if not _OPTION.fullmatch(each)]
        if left and ".default" in key:
            self._draft.note(key, f"{printable(left[0])} is a folder of the client's machine: an entry has to say it")
        elif left:
            self._draft.error(
                key, f"{printable(left[0])} is filled in by a client; write an entry of your own, with a value for it"
            )
        return text


def _told(option: Mapping[str, Any]) -> str:
    return one_line("; ".join(_parts(option)))


def _parts(option: Mapping[str, Any]) -> Iterator[str]:
    yield str(option.get("description") or option.get("title") or "not described")
    if option.get("type") in ("number", "boolean"):
        yield "a number" if option["type"] == "number" else "true or false"
    for key in ("min", "max"):
        if key in option:
            yield f"{key} {option[key]:g}"
    if option.get("sensitive") is True:
        yield "a secret"


def _say_unknown(value: Json, draft: Draft) -> None:
    for record, found, key in _records(value):
        for name in record.unknown(found):
            if record is COMPATIBILITY:
                draft.note(key_path(key, name), "is for the client that installs it, and is not compared")
            else:
                draft.note(
                    key_path(key, name).lstrip("."),
                    "is not a key of a manifest that is known here; look what it asks for",
                )


def _records(value: Json) -> Iterator[tuple[Record, Any, str]]:
    yield MANIFEST, value, ""
    yield SERVER, value["server"], "server"
    yield LAUNCH, value["server"].get("mcp_config", {}), "server.mcp_config"
    yield COMPATIBILITY, value.get("compatibility", {}), "compatibility"
    for name, option in value.get("user_config", {}).items():
        yield OPTION, option, key_path("user_config", name)
