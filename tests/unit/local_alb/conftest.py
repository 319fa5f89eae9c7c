from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.local_alb.inprocess import Alb


@pytest.fixture
def alb(tmp_path: Path) -> Alb:
    return Alb(tmp_path)
