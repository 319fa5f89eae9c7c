# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forms of a reference that some client or shell resolves and this orchestrator takes as they stand.

Sources: Gemini CLI and Qwen Code (docs/tools/mcp-server.md: ``$NAME``), GitHub's Copilot (docs.github.com, "Extending
Copilot coding agent with MCP": ``$COPILOT_MCP_NAME``, formerly the bare name), OpenCode (opencode.ai/docs/config:
``{env:NAME}``, ``{file:path}``), Continue (docs.continue.dev: ``${{ secrets.NAME }}``), LiteLLM
(docs.litellm.ai: ``os.environ/NAME``), 1Password (developer.1password.com: ``op://vault/item/field``), Windows'
``%NAME%``, PowerShell's ``$env:NAME``, a shell's ``$(command)``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.names import is_secret_name

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_UPPER = r"[A-Z_][A-Z0-9_]+"
# Group 1, where there is one, is the variable's name.
_FORMS = (
    re.compile(rf"^\$({_NAME})$"),
    re.compile(rf"(?:^|(?<=[\s=:/,\"']))\$({_UPPER})(?=$|[/\s:,;@\"'])"),
    re.compile(rf"(?i:\$env:)({_NAME})"),
    re.compile(rf"^%({_NAME})%$"),
    re.compile(r"%([A-Z_][A-Z0-9_]{2,})%"),
    re.compile(rf"(?<!\$)\{{env:({_NAME})\}}"),
    re.compile(r"(?<!\$)\{file:[^{}]+\}"),
    re.compile(rf"\$\{{\{{\s*(?:secrets|env|inputs|vars)\.({_NAME})\s*\}}\}}"),
    re.compile(r"\$\{\{[^{}]*\}\}"),
    re.compile(rf"^os\.environ/({_NAME})$"),
    re.compile(rf"^(?:process\.env\.|env[.:])({_NAME})$"),
    re.compile(r"^(?:op|ssm|secretsmanager|aws-sm|gcp-sm|vault|keyring|keychain|doppler|infisical|secrets?)://\S+$"),
    re.compile(r"^(?:vault|secretsmanager|ssm|keychain):\S+$"),
    re.compile(r"^!(?:secret|ENV|env)\s+\S+$"),
)
_COMMAND = re.compile(r"\$\([^()]*\)|^`[^`]+`$")
# Without any of these there is nothing to look for.
_SIGN = re.compile(r"[$%{`!:]|env|^[A-Z][A-Z0-9]*_[A-Z0-9_]+$")
_BARE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
# Folders of the client's machine: said where they are looked for as paths.
_HOMES = frozenset({"HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PWD", "TEMP", "TMP"})


_LONGEST = 4096


@dataclass(frozen=True)
class Lookalike:
    """What looks like a reference: ``said`` reads after the key; ``certain`` where it can be meant as nothing else."""

    said: str
    certain: bool = False


def lookalike_in(text: str, name: str = "") -> Lookalike | None:
    """Returns what of the text looks like a reference and is none; ``name`` is the variable whose value it is."""
    text = text.strip()
    if len(text) > _LONGEST or not _SIGN.search(text):
        return None
    for form in _FORMS:
        match = form.search(text)
        if match:
            return _told(text, match)
    if _COMMAND.search(text):
        return Lookalike("has a command of a shell, which nothing runs here; write the value, or a reference to it")
    if _BARE.fullmatch(text) and (text == name or (is_secret_name(text) and is_secret_name(name))):
        return _said(text, text)
    return None


def _told(text: str, match: re.Match[str]) -> Lookalike | None:
    variable = (match.groups() or ("",))[0]
    if variable in _HOMES and match[0] != text:
        return None
    if match[0] == text and re.fullmatch(r"\$" + _UPPER, text):
        way_out = f"write ${{{variable}}}; text that begins so can stand in a file: ${{file:/path}}"
        return Lookalike(f"is {text}, a reference of other clients that is none here; {way_out}", certain=True)
    return _said(match[0], variable)


def _said(shown: str, variable: str) -> Lookalike:
    # Whatever is no name of a variable may be a part of a password.
    if not re.fullmatch(_UPPER, variable):
        return Lookalike(
            "looks like a reference of another client and is taken as it stands;"
            " write ${VAR}, ${file:/path}, ${ssm:/name} or ${secretsmanager:name}"
        )
    return Lookalike(f"has {shown}, which looks like a reference and is taken as it stands; write ${{{variable}}}")
