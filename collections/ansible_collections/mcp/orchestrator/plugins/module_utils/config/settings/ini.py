# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""settings.conf as an ini file: its sections and keys, and what is wrong with its form."""

from __future__ import annotations

import configparser
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigError, ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import printable, suggestion
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.document import read_text
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import Reader


class IniFile:
    """Reads one value after another and remembers what is wrong in ``errors``; a wrong value leaves its default.

    ``sections`` are the names of all that there can be. Raises ConfigFileError when the file cannot be parsed.
    """

    def __init__(self, path: str, label: str, sections: Sequence[str]) -> None:
        self.errors: list[ConfigError] = []
        self._label = label
        self._sections = sections
        self._parser = configparser.ConfigParser(interpolation=None, default_section="\0none")
        self._parser.optionxform = _key  # type: ignore[assignment,method-assign]
        try:
            self._parser.read_string(read_text(path, label), source=label)
        except configparser.Error as error:
            raise ConfigFileError([ConfigError(label, "", _syntax(error, sections))]) from error

    def refuse_unknown(self, readers: Mapping[str, Mapping[str, Reader[Any]]], free: Sequence[str]) -> None:
        """Notes sections and keys that there are not; ``free`` are the sections whose keys the user chooses."""
        for section in self._parser.sections():
            if section in free:
                continue
            if section not in readers:
                self.error(section, "", f"is not a section{suggestion(section, self._sections)}")
                continue
            for key in self._parser.options(section):
                if key not in readers[section]:
                    self.error(section, key, f"is not a setting{suggestion(key, readers[section])}")

    def section(self, section: str, readers: Mapping[str, Reader[Any]]) -> dict[str, Any]:
        """Returns the values that the section gives, by key; what it leaves empty is not among them."""
        result = {}
        for key, read in readers.items():
            text = self._parser.get(section, key, fallback="").strip()
            if not text:
                continue
            try:
                result[key] = read(text)
            except ValueError as error:
                self.error(section, key, f"'{printable(text)}' {error}")
        return result

    def texts(self, section: str) -> dict[str, str]:
        """Returns a section whose keys the user chooses, as it is written."""
        return dict(self._parser.items(section)) if self._parser.has_section(section) else {}

    def error(self, section: str, key: str, message: str) -> None:
        """Notes what is wrong with a key, or with the section where ``key`` is empty."""
        self.errors.append(ConfigError(self._label, f"[{printable(section)}] {printable(key)}".strip(), message))


def _key(name: str) -> str:
    """Keys as they are written: the ids of inputs tell capitals from small letters."""
    return name


def _syntax(error: configparser.Error, sections: Sequence[str]) -> str:
    """What is wrong, without the line itself: it may hold the password."""
    if isinstance(error, configparser.DuplicateOptionError):
        return (
            f"line {error.lineno}: '{printable(error.option)}' is set twice in [{printable(error.section)}]; keep one"
        )
    if isinstance(error, configparser.DuplicateSectionError):
        return f"line {error.lineno}: [{printable(str(error.section))}] occurs twice; put its keys together"
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"line {error.lineno}: is before any section; begin with one of [{'] ['.join(sections)}]"
    if isinstance(error, configparser.ParsingError) and error.errors:
        return f"line {error.errors[0][0]}: is neither a section nor 'key = value'"
    return "is not a settings file"
