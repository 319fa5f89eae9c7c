# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words that a server is started with: argv, which everybody on the host can read."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import (
    has_token_in_address,
    is_token,
    looks_secret,
    secrets_among,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.names import is_secret_name
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import (
    FROM_THE_REQUEST,
    InvalidReference,
    Reference,
    editor_folder_in,
    has_reference,
    references_in,
    replaced,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.variables import with_own_variables

WAY_OUT = (
    "put it into env, under the name that the server reads, or, if it reads no variable,"
    ' set "secret_args": true in orchestrator'
)
_HEADER = "${" + FROM_THE_REQUEST + ":"


class _Unknown(ValueError):
    """A reference that cannot stand in an argument; the reason reads after the key."""


@dataclass(frozen=True)
class References:
    """What references in arguments stand for: the entry's ``own`` variables, and the reconciler's ``environment``;
    None where nothing is looked up. ``elsewhere`` are the own ones that others than the arguments use."""

    own: Mapping[str, Secret]
    environment: Mapping[str, str] | None
    elsewhere: Collection[str] = ()

    def resolved(self, word: str, option: str, path: str, findings: Findings) -> str | None:
        """Returns the word with the values of its references; None where it may not have them, which is told.

        A reference that may be a secret's is refused: by the name of its variable or of the ``option`` before it, by
        where its value stands, or by the value itself. The word is returned as it is where nothing is looked up.
        """
        try:
            if _HEADER in word:
                raise _Unknown("takes a client's header, which only the values of env can; put it there")
            found = list(references_in(word))
            if is_secret_name(option.lstrip("-")) or any(self._is_secret(each) for each in found):
                raise _Unknown(
                    f"has a reference, whose value everybody on the host could read in the arguments; {WAY_OUT}"
                )
            values = {each: self._value(each) for each in found}
        except (InvalidReference, _Unknown) as error:
            findings.error(path, str(error))
            return None
        names = " and ".join(f"'{each}'" for each in values)
        unknown = [each for each, value in values.items() if value is None]
        when = "is looked up on the host" if unknown else "is resolved"
        findings.explain(path, f"{names} {when}; everybody on the host can read its value in the arguments")
        return replaced(word, lambda each: f"${{{each.name}}}" if values[each] is None else values[each] or "")

    def _is_secret(self, reference: Reference) -> bool:
        if _names_secret(reference):
            return True
        own = self.own.get(reference.name)
        # What an own variable refers to is never another own one.
        return own is not None and any(_names_secret(each) for each in references_in(own.reveal()))

    def _value(self, reference: Reference) -> str | None:
        """The value of a reference that is no secret by its name; None where nothing is looked up."""
        own = self.own.get(reference.name)
        inner = list(references_in(own.reveal())) if own is not None else []
        if own is not None and own.reveal() and reference not in inner:
            if inner and self.environment is None:
                return None
            text: str | None = replaced(own.reveal(), lambda each: self._outer(each) or "")
        else:
            text = self._outer(reference)
        if text is not None and (is_token(text) or looks_secret(text) or has_token_in_address(text)):
            raise _Unknown(
                f"has '{reference}', whose value looks like a secret, which everybody on the host could read in the"
                f" arguments; {WAY_OUT}"
            )
        return text

    def _outer(self, reference: Reference) -> str | None:
        if self.environment is None:
            return None
        # As in env: ":-" takes the default for an empty value too.
        text = self.environment.get(reference.name) or reference.default
        if text is None and reference.name not in self.environment:
            raise _Unknown(f"'{reference}' is set neither in env nor in the reconciler's environment; add it to env")
        return text or ""


def _names_secret(reference: Reference) -> bool:
    return reference.source != "env" or is_secret_name(reference.name)


def settled_arguments(words: Sequence[str], first: int, references: References, findings: Findings) -> tuple[str, ...]:
    """Returns the words with the values of their references, and refuses those that are or refer to secrets.

    ``first`` is the position in args of the first word.
    """
    written = dict(secrets_among(words))
    settled = list(words)
    for position, word in enumerate(words):
        path = f"args[{first + position}]"
        if refuse_editor_folder(word, path, findings) or not has_reference(word):
            continue
        option = words[position - 1] if position else ""
        if option.startswith("-") and "=" not in option and not word.startswith("-"):
            named = option
        else:
            named = word.partition("=")[0] if "=" in word else ""
        if position in written and not is_secret_name(named.lstrip("-")):
            findings.error(path, _refusal(written[position]))
            continue
        settled[position] = references.resolved(word, named, path, findings) or ""
    told = {error.path for error in findings.errors}
    found = written if settled == list(words) else dict(secrets_among(settled))
    for position, shown in found.items():
        path = f"args[{first + position}]"
        if not any(each.endswith(path) for each in told):
            findings.error(path, _refusal(shown))
    return tuple(settled)


def refuse_editor_folder(word: str, path: str, findings: Findings) -> bool:
    """Returns whether the word has ``${workspaceFolder}`` or its like, which is told as an error."""
    folder = editor_folder_in(word)
    if folder:
        findings.error(path, f"has {folder}, a folder of the client's machine; write the path itself")
    return folder is not None


def _refusal(shown: str) -> str:
    return f"{shown} looks like a secret, which everybody on the host can read in the arguments; {WAY_OUT}"


def names_in(words: Sequence[str], own: Mapping[str, Secret]) -> set[str]:
    """Returns the entry's own variables to which any of the words refers."""
    return {name for word in words for name in with_own_variables(word, own)[1]}


def is_shell_script(words: Sequence[str], position: int) -> bool:
    """Returns whether the word is what a shell runs, in which ``$NAME`` is the shell's to resolve."""
    return position > 0 and re.fullmatch(r"-[a-z]*c|/c", words[position - 1]) is not None
