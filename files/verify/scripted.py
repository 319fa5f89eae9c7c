"""What answers a server that asks its client: the first entry of a script that fits what was asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import mcp_types as types

from verify.outcome import plain
from verify.suite import Elicitation, Sampling


def completions(script: Sequence[Sampling]) -> Any:
    """What answers requests for a completion; None without a script, so that the client offers none."""

    async def answer(
        _context: Any, params: types.CreateMessageRequestParams
    ) -> types.CreateMessageResult | types.ErrorData:
        asked = "\n".join(str(plain(each).get("content")) for each in params.messages)
        for each in script:
            if re.search(each.when, asked):
                content = types.TextContent(type="text", text=each.answer)
                return types.CreateMessageResult(role="assistant", content=content, model="script")
        return types.ErrorData(code=types.INVALID_PARAMS, message="no entry of sampling fits what was asked")

    return answer if script else None


def forms(script: Sequence[Elicitation]) -> Any:
    """What answers requests for what a person would fill in or confirm; None without a script."""

    async def answer(_context: Any, params: types.ElicitRequestParams) -> types.ElicitResult | types.ErrorData:
        asked = "\n".join(filter(None, (params.message, getattr(params, "url", ""))))
        for each in script:
            if re.search(each.when, asked):
                # Who goes to a URL fills in nothing here.
                filled_in = each.action == "accept" and params.mode == "form"
                return types.ElicitResult(action=each.action, content=dict(each.content) if filled_in else None)
        return types.ErrorData(code=types.INVALID_PARAMS, message="no entry of elicitation fits what was asked")

    return answer if script else None
