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
      - Where the Elastic Load Balancing API answers, if not at AWS. On loopback, what boto3 finds of AWS credentials is
        not used.
    type: str
  credentials_file:
    description:
      - A file in the form of the AWS CLI's shared credentials, on the host. The access key of its default profile signs
        the calls, instead of what boto3 finds. Only the path is passed, so that the secret is in no argument.
    type: path
requirements:
  - boto3 >= 1.40
"""
