"""Transforms of rules: at most one rewrite of the URL and one of the host header.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-transforms.html.
"""

from __future__ import annotations

import re

from local_alb.errors import validation_error
from local_alb.model.world import Document

from .regexes import check_regex

CONFIGS = {"url-rewrite": "UrlRewriteConfig", "host-header-rewrite": "HostHeaderRewriteConfig"}
MAX_TEXT = 1024
# HAProxy's replacement knows the groups 0 to 9, and two of them may be needed around an unanchored expression.
MAX_GROUPS = 7


def check_transforms(transforms: list[Document] | None) -> tuple[Document, ...]:
    """Returns the transforms of one rule as AWS describes them. Raises ValidationError where it would refuse them."""
    checked = tuple(_check(transform) for transform in transforms or [])
    for kind in CONFIGS:
        if sum(transform["Type"] == kind for transform in checked) > 1:
            raise validation_error(f"A rule can only have one '{kind}' transform")
    return checked


def _check(transform: Document) -> Document:
    kind = transform["Type"]
    config_name = CONFIGS[kind]
    for other in set(transform) - {"Type", config_name}:
        raise validation_error(f"'{other}' must not be specified for the transform type '{kind}'")
    rewrites = transform.get(config_name, {}).get("Rewrites", [])
    if len(rewrites) != 1:
        raise validation_error(f"A '{kind}' transform must have exactly one rewrite")
    regex, replacement = rewrites[0].get("Regex"), rewrites[0].get("Replace")
    if regex is None or replacement is None:
        raise validation_error(f"The rewrite of a '{kind}' transform needs both 'Regex' and 'Replace'")
    groups = check_regex(regex, MAX_TEXT, f"'{kind}' transform").groups
    if groups > MAX_GROUPS:
        raise validation_error(f"The regular expression of a '{kind}' transform can have {MAX_GROUPS} groups here")
    if len(replacement) > MAX_TEXT:
        raise validation_error(f"The replacement of the '{kind}' transform is longer than {MAX_TEXT} characters")
    if not replacement.isprintable():
        raise validation_error(f"The replacement of the '{kind}' transform contains an unprintable character")
    for number in re.findall(r"\$(\d+)", replacement):
        if not 1 <= int(number) <= groups:
            raise validation_error(f"The replacement '{replacement}' names the group ${number}, and there is none")
    return {"Type": kind, config_name: {"Rewrites": [{"Regex": regex, "Replace": replacement}]}}
