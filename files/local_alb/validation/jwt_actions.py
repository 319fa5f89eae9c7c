"""The jwt-validation action: what it may say.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_JwtValidationActionConfig.html.
"""

from __future__ import annotations

import re

from local_alb.errors import validation_error
from local_alb.model.world import Document

MAX_TEXT = 256
MAX_CLAIMS = 10
MAX_VALUES = 10
CHECKED_ANYWAY = ("exp", "iss", "nbf", "iat")


def check_jwt(config: Document) -> Document:
    """Returns the configuration as it is described; raises ValidationError where AWS would refuse it."""
    endpoint = config.get("JwksEndpoint", "")
    if not endpoint.startswith("https://") or len(endpoint) > MAX_TEXT or not endpoint.isprintable():
        raise validation_error(f"The JWKS endpoint must be an https:// URL of at most {MAX_TEXT} characters")
    issuer = config.get("Issuer", "")
    if not issuer or len(issuer) > MAX_TEXT or not issuer.isprintable():
        raise validation_error(f"The issuer must have 1 to {MAX_TEXT} characters")
    claims = config.get("AdditionalClaims", [])
    if len(claims) > MAX_CLAIMS:
        raise validation_error(f"At most {MAX_CLAIMS} additional claims can be validated")
    for claim in claims:
        _check_claim(claim)
    return dict(config)


def _check_claim(claim: Document) -> None:
    name, values, form = claim.get("Name", ""), claim.get("Values", []), claim.get("Format")
    if not name or len(name) > MAX_TEXT or not name.isprintable() or name in CHECKED_ANYWAY:
        raise validation_error(
            f"The additional claim '{name}' is not allowed; {', '.join(CHECKED_ANYWAY)} are checked anyway"
        )
    if not re.fullmatch(r"[A-Za-z0-9_.:/-]+", name):
        raise validation_error(
            f"The additional claim '{name}' has a character that the local load balancer cannot match"
        )
    if form is None:
        raise validation_error(f"The additional claim '{name}' needs a format")
    if not values or len(values) > MAX_VALUES:
        raise validation_error(f"The additional claim '{name}' needs 1 to {MAX_VALUES} values")
    for value in values:
        if not value or len(value) > MAX_TEXT or not value.isprintable():
            raise validation_error(f"The additional claim '{name}' has a value that is empty, too long or unprintable")
        if form == "space-separated-values" and " " in value:
            raise validation_error(f"The value '{value}' of the additional claim '{name}' contains a space")
    if form == "single-string" and len(values) != 1:
        raise validation_error(f"The additional claim '{name}' of the format 'single-string' takes one value")
