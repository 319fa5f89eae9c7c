"""What the role knows of the local ALB beside it."""

from __future__ import annotations

from pathlib import Path

import yaml
from local_alb.model.world import LOCAL_LISTENER_ARN

ROLE = Path(__file__).resolve().parents[3] / "roles/local_alb"


def test_the_role_names_the_listener_that_the_local_alb_has() -> None:
    assert yaml.safe_load((ROLE / "vars/main.yml").read_text())["__local_alb_listener_arn"] == LOCAL_LISTENER_ARN
