"""How many examples property tests try; `--hypothesis-profile=long`, as in `make fuzz`, tries twenty times as many."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("short", max_examples=50, deadline=None)
settings.register_profile("long", max_examples=1000, deadline=None)
settings.load_profile("short")
