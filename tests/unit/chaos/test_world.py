"""What is compared before and after a fault."""

from __future__ import annotations

import pytest

from tests.chaos.world import plain


@pytest.mark.parametrize("reloaded", ["-sf 11525 -x sockpair@4 ", "-sf 11525 19246 -x sockpair@4 "])
def test_a_haproxy_that_has_reloaded_is_the_same_process(reloaded: str) -> None:
    first = "/usr/sbin/haproxy -W -S /var/tmp/site/master.sock -f /var/tmp/site/haproxy.cfg"
    assert plain(first.replace("-W", f"{reloaded}-W")) == plain(first)
