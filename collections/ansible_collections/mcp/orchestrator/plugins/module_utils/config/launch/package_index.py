# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an entry says that its packages come from. An image is built from what its base's configuration says.

Nothing of a private registry may be looked for in the public one instead: anybody can register its names there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, key_path
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import quoted
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret

_PUBLIC = frozenset({"registry.npmjs.org", "registry.yarnpkg.com", "pypi.org", "pypi.python.org"})
# Copies of the public registries, as their documentation names them.
_MIRRORS = frozenset(
    {
        "registry.npmmirror.com",
        "registry.npm.taobao.org",
        "r.cnpmjs.org",
        "registry.cnpmjs.org",
        "npmreg.proxy.ustclug.org",
    }
    | {"pypi.tuna.tsinghua.edu.cn", "mirrors.tuna.tsinghua.edu.cn", "mirrors.aliyun.com", "pypi.mirrors.ustc.edu.cn"}
    | {
        "mirrors.ustc.edu.cn",
        "pypi.doubanio.com",
        "pypi.douban.com",
        "mirrors.bfsu.edu.cn",
        "mirrors.cloud.tencent.com",
    }
    | {
        "mirrors.tencent.com",
        "repo.huaweicloud.com",
        "mirrors.huaweicloud.com",
        "mirror.sjtu.edu.cn",
        "mirror.nju.edu.cn",
    }
    | {"mirrors.zju.edu.cn", "mirrors.163.com", "mirrors.sustech.edu.cn", "mirror.baidu.com"}
)
_VARIABLE = re.compile(
    r"(npm_config_(@[^:]+:)?(registry|userconfig|globalconfig)|yarn_(npm_)?registry(_server)?|bun_config_registry"
    r"|(uv|pip)_(default_|extra_)?index(_url)?|(uv|pip)_(find_links|config_file))",
    re.IGNORECASE,
)
_WAY_OUT = (
    "images are built from what their base's configuration says; name a base with this registry in its npmrc or"
    " pip.conf in mcp_image_bases, and remove this"
)


def _known(address: str) -> str | None:
    """What a public registry or its mirror is called in a note; None for any other."""
    try:
        parts = urlsplit(address.strip())
        host = parts.hostname or ""
        plain = parts.scheme in {"http", "https"} and parts.port is None and "@" not in parts.netloc
    except ValueError:
        return None
    if not plain or parts.query:
        return None
    if host in _PUBLIC:
        return "it is where packages come from anyway"
    if host in _MIRRORS:
        return "it is a mirror of the public registry, and the base image's configuration says where packages come from"
    return None


def check_index(path: str, option: str, address: str, findings: Findings) -> None:
    """Notes an option that names a public registry or a mirror of one, and refuses any other."""
    named = re.fullmatch(r"[A-Za-z0-9_.-]+=(\w+://.*)", address)  # uv: --index NAME=ADDRESS
    addresses = (named[1] if named else address).split()
    known = [_known(each) for each in addresses]
    if known and None not in known:
        findings.explain(path, f"'{option}' is ignored: {known[0]}")
    else:
        findings.error(path, f"'{option}' with {quoted(address)} is not supported: {_WAY_OUT}")


def check_index_variables(env: Mapping[str, Secret], findings: Findings) -> None:
    """Does the same with the variables by which npm, pip and uv are told: an image is built without any."""
    for name, value in env.items():
        if not _VARIABLE.fullmatch(name):
            continue
        path = key_path("env", name)
        known = [_known(each) for each in value.reveal().split()]
        if known and None not in known:
            findings.explain(path, f"says nothing to the build: {known[0]}")
        elif known:
            findings.error(path, f"names where packages come from, and {_WAY_OUT}")
