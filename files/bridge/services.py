"""What every part of the bridge may use, handed to those who need it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from .call_record import CallRecord
    from .limits import Limits
    from .log import Log
    from .metrics import Metrics


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Services:
    """One value for all parts of one bridge. The references do not change while it runs."""

    loop: asyncio.AbstractEventLoop
    log: Log
    limits: Limits
    metrics: Metrics
    calls: CallRecord
