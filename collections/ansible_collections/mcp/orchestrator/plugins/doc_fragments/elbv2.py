# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module says that talks to the Elastic Load Balancing API."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  endpoint_url:
    description:
      - Where the Elastic Load Balancing API answers, if not at AWS. On loopback no real credentials are sent.
    type: str
requirements:
  - boto3 >= 1.40
"""
