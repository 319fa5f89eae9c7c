# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables by which a client's machine finds its own programs and folders: nothing of an image that is built here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, key_path
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.client_machine import is_below_any
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret

# Not USER, USERNAME and SHELL: servers read them too, as the name of a login and as the shell to start.
# Desktop clients start without the shell's PATH, so people write such variables into their entries.
_NAMES = re.compile(
    r"PATH|PATHEXT|HOME|PWD|OLDPWD|USERPROFILE|HOMEDRIVE|HOMEPATH|APPDATA|LOCALAPPDATA"
    r"|PROGRAMDATA|PROGRAMFILES(?:\(X86\))?|COMMONPROGRAMFILES|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|TEMP|TMP|TMPDIR"
    r"|NODE_PATH|NODE_HOME|NVM_(?:DIR|BIN|INC|HOME|SYMLINK)|NODENV_\w+|FNM_\w+|VOLTA_HOME|N_PREFIX|ASDF_\w+|MISE_\w+"
    r"|RTX_\w+|PROTO_HOME|PNPM_HOME|BUN_INSTALL|DENO_DIR|NPM_CONFIG_(?:PREFIX|CACHE|USERCONFIG|GLOBALCONFIG)"
    r"|PYTHONHOME|PYTHONPATH|PYTHONUSERBASE|PYTHONEXECUTABLE|VIRTUAL_ENV|PYENV_\w+|POETRY_HOME"
    r"|CONDA_(?:PREFIX|EXE|DEFAULT_ENV|PYTHON_EXE|ROOT)|PIPX_(?:HOME|BIN_DIR)"
    r"|UV_(?:PYTHON|CACHE_DIR|TOOL_DIR|TOOL_BIN_DIR|PYTHON_INSTALL_DIR|PROJECT_ENVIRONMENT)"
    r"|LD_LIBRARY_PATH|DYLD_\w+|HOMEBREW_(?:PREFIX|CELLAR|REPOSITORY)|JAVA_HOME|GOPATH|GOROOT|CARGO_HOME|SSH_AUTH_SOCK"
    r"|XDG_(?:CONFIG|DATA|CACHE|STATE)_HOME|XDG_RUNTIME_DIR|GEM_HOME|RBENV_\w+"
    r"|DISPLAY|XAUTHORITY",
    re.IGNORECASE,
)


def without_machine_variables(
    env: Mapping[str, Secret], folders: Sequence[str], findings: Findings
) -> dict[str, Secret]:
    """Returns the variables of an entry whose image is built here, without those of the client's machine.

    A variable that names one of ``folders`` of the container, or something in it, is meant for it and stays.
    """
    kept = {}
    for name, value in env.items():
        if _NAMES.fullmatch(name) and not is_below_any(value.reveal(), folders):
            findings.explain(
                key_path("env", name),
                "is left out: it tells a client where its own programs and folders are, and the image has its own",
            )
        else:
            kept[name] = value
    return kept
