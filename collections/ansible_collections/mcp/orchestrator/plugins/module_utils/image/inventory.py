# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What package managers wrote down about an installation, as components of a CycloneDX bill of materials.

Nothing is run for it. An installation's own scripts could have changed these files: they tell what was installed by a
package that is honest about it. Unknown and malformed entries are left out.

npm: https://docs.npmjs.com/cli/v10/configuring-npm/package-lock-json; pip: https://pip.pypa.io/en/stable/reference/
installation-report/; dpkg: deb822(5); purl: https://github.com/package-url/purl-spec
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

Component = dict[str, Any]

MOST = 20_000
_LONGEST = 300
# The official images of node and Python are no Debian packages; only these variables name their version.
_RUNTIMES = {"NODE_VERSION": "node", "PYTHON_VERSION": "python"}
_ALGORITHMS = {"sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}


def npm_components(lock: bytes) -> list[Component]:
    """Returns all packages of npm's ``node_modules/.package-lock.json``, those that packages bundle too."""
    packages = _mapping(_mapping(_json(lock)).get("packages"))
    found = []
    for path, entry in packages.items():
        given = _mapping(entry)
        name = _text(given.get("name")) or path.rpartition("node_modules/")[2]
        version = _text(given.get("version"))
        if name and version and not given.get("link"):
            group, _slash, plain = name.rpartition("/")
            namespace = f"{quote(group, safe='')}/" if group else ""
            purl = f"pkg:npm/{namespace}{quote(plain)}@{quote(version)}"
            more = {"hashes": _integrity(given.get("integrity")), "licenses": _license(given.get("license"))}
            found.append(_component(name, version, purl, given.get("resolved"), more))
    return _unique(found)


def pip_components(report: bytes) -> list[Component]:
    """Returns all packages of the report that pip writes with ``--report``."""
    found = []
    for entry in _sequence(_mapping(_json(report)).get("install")):
        metadata = _mapping(_mapping(entry).get("metadata"))
        name, version = _text(metadata.get("name")), _text(metadata.get("version"))
        if name and version:
            source = _mapping(_mapping(entry).get("download_info"))
            hashes = _mapping(_mapping(source.get("archive_info")).get("hashes"))
            plain = re.sub(r"[-_.]+", "-", name).lower()
            license_ = metadata.get("license_expression") or metadata.get("license")
            more = {"hashes": _hashes(hashes.items()), "licenses": _license(license_)}
            purl = f"pkg:pypi/{quote(plain)}@{quote(version)}"
            commit = _text(_mapping(source.get("vcs_info")).get("commit_id"))
            address = _text(source.get("url"))
            found.append(_component(name, version, purl, f"{address}@{commit}" if commit else address, more))
    return _unique(found)


def dpkg_components(status: bytes, os_release: bytes) -> list[Component]:
    """Returns all installed packages of ``/var/lib/dpkg/status``."""
    system = dict(re.findall(r'^(ID|VERSION_ID)="?([A-Za-z0-9._-]+)"?$', os_release.decode("utf-8", "replace"), re.M))
    vendor = system.get("ID", "debian")
    distro = f"{vendor}-{system['VERSION_ID']}" if "VERSION_ID" in system else vendor
    found = []
    for paragraph in status.decode("utf-8", "replace").split("\n\n"):
        fields = dict(re.findall(r"^(Package|Status|Version|Architecture): (\S.*)$", paragraph, re.M))
        name, version = fields.get("Package"), fields.get("Version")
        if name and version and fields.get("Status", "").endswith(" installed"):
            qualifiers = f"arch={quote(fields.get('Architecture', 'all'))}&distro={quote(distro)}"
            purl = f"pkg:deb/{quote(vendor)}/{quote(name)}@{quote(version)}?{qualifiers}"
            found.append(_component(name, version, purl, None, {}))
    return _unique(found)


def runtime_components(environment: Iterable[str]) -> list[Component]:
    """Returns the interpreters that a base says it has, in the variables of the official images."""
    variables = dict(each.split("=", 1) for each in environment if "=" in each)
    return [
        _component(name, variables[key], f"pkg:generic/{name}@{quote(variables[key])}", None, {})
        for key, name in _RUNTIMES.items()
        if variables.get(key)
    ]


def _component(name: str, version: str, purl: str, address: object, more: Mapping[str, Any]) -> Component:
    public = _public(_text(address))
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        **{key: value for key, value in more.items() if value},
        **({"externalReferences": [{"type": "distribution", "url": public}]} if public else {}),
    }


def _public(address: str) -> str:
    """An address without what may let somebody in: user, password, query and fragment."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if not parts.scheme or not re.fullmatch(r"[\x21-\x7e]*", address):
        return ""
    return urlunsplit((parts.scheme, f"{host}{port}", parts.path, "", ""))


def _integrity(value: object) -> list[dict[str, str]]:
    """Subresource integrity (``sha512-<base64>``) as CycloneDX hashes."""
    pairs = [word.partition("-")[::2] for word in _text(value).split()]
    decoded = []
    for algorithm, digest in pairs:
        try:
            decoded.append((algorithm, base64.b64decode(digest, validate=True).hex()))
        except (binascii.Error, ValueError):
            continue
    return _hashes(decoded)


def _hashes(pairs: Iterable[tuple[object, object]]) -> list[dict[str, str]]:
    return [
        {"alg": _ALGORITHMS[str(algorithm)], "content": str(digest)}
        for algorithm, digest in sorted((str(each[0]), str(each[1])) for each in pairs)
        if algorithm in _ALGORITHMS and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}", digest)
    ]


def _license(value: object) -> list[dict[str, Any]]:
    """As a name: what packages write is no SPDX expression for certain."""
    text = _text(value)
    return [{"license": {"name": text}}] if text and "\n" not in text else []


def _unique(components: Iterable[Component]) -> list[Component]:
    by_reference = {each["bom-ref"]: each for each in components}
    return [by_reference[key] for key in sorted(by_reference)][:MOST]


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _text(value: object) -> str:
    """The value when it is a string that a reader can bear."""
    return value if isinstance(value, str) and len(value) <= _LONGEST and value.isprintable() else ""
