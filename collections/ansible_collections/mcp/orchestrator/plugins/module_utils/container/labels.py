# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The labels by which the world remembers what is ours."""

from __future__ import annotations

FLEET = "mcp_fleet"
SERVICE = "mcp_service"
GENERATION = "mcp_generation"
PORT = "mcp_port"
SPEC = "mcp_spec"
BRIDGE = "mcp_bridge"
ORIGINS = "mcp_origins"
LOG_LEVEL = "mcp_log_level"
CALL_RECORD = "mcp_call_record"
SECCOMP = "mcp_seccomp"
REPLICA = "mcp_replica"
ATTEMPT = "mcp_attempt"
FAILURES = "mcp_failures"
FAILED_AT = "mcp_failed_at"
HOSTS = "mcp_hosts"
REQUIRED_BY = "mcp_required_by"
DATA = "mcp_data"
STEP = "mcp_step"
UNVERIFIED = "mcp_unverified"
