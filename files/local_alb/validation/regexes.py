"""Regular expressions of conditions and transforms, in the dialect that the load balancer accepts.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html. There are no
lookaheads, lookbehinds, backreferences, atomic groups, possessive quantifiers, subroutines, recursion or Unicode
character classes.
"""

from __future__ import annotations

import re

from local_alb.errors import validation_error

_REFUSED = (
    (r"\(\?<?[=!]", "lookaheads and lookbehinds"),
    (r"\\[1-9]|\\k|\(\?P=|\\g", "backreferences and subroutines"),
    (r"\(\?>", "atomic groups"),
    (r"[*+?}]\+", "possessive quantifiers"),
    (r"\(\?(R|[0-9]|&|P>)", "recursion and subroutines"),
    (r"\\[pP]\{?", "Unicode character classes"),
)


def check_regex(regex: str, longest: int, what: str) -> re.Pattern[str]:
    """Returns the compiled expression; raises ValidationError where AWS would refuse it."""
    if not regex:
        raise validation_error(f"The regular expression of the {what} must not be empty")
    if len(regex) > longest:
        raise validation_error(f"The regular expression of the {what} is longer than {longest} characters")
    if not regex.isprintable():
        raise validation_error(f"The regular expression of the {what} contains an unprintable character")
    # Escaped characters and character classes cannot hold any of the refused forms.
    bare = re.sub(r"\[\^?\]?(?:\\.|[^\]\\])*\]", "x", re.sub(r"\\[^1-9kgpP]", "x", regex))
    for form, name in _REFUSED:
        if re.search(form, bare):
            raise validation_error(f"The regular expression '{regex}' of the {what} uses {name}; AWS supports none")
    try:
        return re.compile(regex)
    except (re.error, OverflowError, RecursionError) as error:
        raise validation_error(f"The regular expression '{regex}' of the {what} is not valid: {error}") from None
