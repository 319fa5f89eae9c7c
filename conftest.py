"""How property tests draw their examples.

In ``make test`` they are few and the same every time, so that a failure there comes of the change at hand.
``make fuzz`` (``--hypothesis-profile=long``) draws twenty times as many, and others each time.
"""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("short", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("long", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile("short")
