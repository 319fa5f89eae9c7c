"""Conditions of rules: checked, counted and brought into the form in which AWS describes them.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html and
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleCondition.html.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from local_alb.errors import validation_error
from local_alb.model.world import Document

from .quotas import Quotas
from .regexes import check_regex

# Field → name of its configuration structure.
CONFIGS = {
    "path-pattern": "PathPatternConfig",
    "host-header": "HostHeaderConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}
ONCE = ("path-pattern", "host-header", "http-request-method", "source-ip")
PLAIN_VALUES = ("path-pattern", "host-header")  # may be given as Values without a configuration structure
WITH_REGEX = ("path-pattern", "host-header", "http-header")

PATH = re.compile(r"[A-Za-z0-9_\-.$/~\"'@:+&*?]+")
HOST = re.compile(r"[A-Za-z0-9\-.*?]+")
# RFC 7230 allows more; those characters mean something to HAProxy, and no header in use has them.
HEADER_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,40}")
METHOD = re.compile(r"[A-Z_\-]{1,40}")
MAX_TEXT = 128
MAX_VALUES = 3  # of one condition; how many a rule may have is a quota
NOBODY = ipaddress.ip_network("255.255.255.255/32")


def check_conditions(conditions: list[Document], quotas: Quotas) -> tuple[Document, ...]:
    """Returns the conditions of one rule in described form; raises ValidationError where they are not acceptable."""
    if not conditions:
        raise validation_error("A rule must have at least one condition")
    checked = [_check(condition) for condition in conditions]
    fields = [condition["Field"] for condition in checked]
    for field in ONCE:
        if fields.count(field) > 1:
            raise validation_error(f"A rule can only have one '{field}' condition")
    for condition in checked:
        if len(comparison_strings(condition)) > MAX_VALUES:
            raise validation_error(f"A '{condition['Field']}' condition can only have '{MAX_VALUES}' values")
    values = [value for condition in checked for value in comparison_strings(condition)]
    limit = quotas.limits["condition-values-per-alb-rule"]
    if len(values) > limit:
        raise validation_error(f"A rule can only have '{limit}' condition values")
    # In a regular expression the same characters are no wildcards.
    plain = [value for condition in checked for value in comparison_strings(condition, with_regexes=False)]
    wildcards = sum(len(re.findall(r"(?<!\\)[*?]", value)) for value in plain)
    limit = quotas.limits["condition-wildcards-per-alb-rule"]
    if wildcards > limit:
        raise validation_error(f"A rule can only have '{limit}' condition wildcards")
    return tuple(checked)


def comparison_strings(condition: Document, with_regexes: bool = True) -> list[str]:
    """Returns all values of a checked condition, and its regular expressions if asked for."""
    config = condition[CONFIGS[condition["Field"]]]
    found = []
    for value in config.get("Values", []):
        found.append(value if isinstance(value, str) else f"{value.get('Key', '')}={value['Value']}")
    return found + (list(config.get("RegexValues", [])) if with_regexes else [])


def _check(condition: Document) -> Document:
    field = condition.get("Field")
    if field not in CONFIGS:
        raise validation_error(f"Condition field '{field}' must be one of '[{', '.join(CONFIGS)}]'")
    config_name = CONFIGS[field]
    for other in set(condition) - {"Field", "Values", "RegexValues", config_name}:
        raise validation_error(f"'{other}' must not be specified for the condition field '{field}'")
    config = _config(condition, field, config_name)
    values, regexes = config.get("Values", []), config.get("RegexValues", [])
    if values and regexes:
        raise validation_error(f"A '{field}' condition can have either values or regular expressions, not both")
    if not values and not regexes:
        raise validation_error(f"A condition value must be specified for the field '{field}'")
    for regex in regexes:
        check_regex(regex, MAX_TEXT, f"'{field}' condition")
    checked = _CHECKS[field](config)
    described: Document = {"Field": field, config_name: checked}
    if field in PLAIN_VALUES:
        for member in ("Values", "RegexValues"):
            if checked.get(member):
                described[member] = list(checked[member])
    return described


def _config(condition: Document, field: str, config_name: str) -> Document:
    config = condition.get(config_name)
    plain = {member: condition[member] for member in ("Values", "RegexValues") if condition.get(member)}
    if plain and field not in (PLAIN_VALUES if "Values" in plain else WITH_REGEX):
        raise validation_error(f"'Values' cannot be used for the condition field '{field}'; use '{config_name}'")
    if config is None:
        # The one form from before the configuration structures, with a single value.
        if len(plain.get("Values", [])) > 1:
            raise validation_error(f"Only one value can be specified in 'Values'; use '{config_name}' for several")
        return plain
    # What DescribeRules returns has both, and may be sent back as it is.
    for member, given in plain.items():
        if config.get(member) and config[member] != given:
            raise validation_error(f"'{member}' and '{config_name}.{member}' of the '{field}' condition differ")
    return {**plain, **config}


def _check_text(value: str, allowed: re.Pattern[str] | None, what: str) -> None:
    if not value:
        raise validation_error(f"The {what} must not be empty")
    if len(value) > MAX_TEXT:
        raise validation_error(f"The {what} '{value[:40]}…' is longer than {MAX_TEXT} characters")
    if not value.isprintable() or (allowed and not allowed.fullmatch(value)):
        raise validation_error(f"The {what} '{value}' contains a character that is not allowed")


def _path(config: Document) -> Document:
    for value in config.get("Values", []):
        _check_text(value, PATH, "path pattern")
    return config


def _host(config: Document) -> Document:
    for value in config.get("Values", []):
        _check_text(value, HOST, "host name")
        if "." not in value or not re.fullmatch(r"[A-Za-z*?]+", value.rsplit(".", 1)[1]):
            raise validation_error(f"The host name '{value}' must have a '.' followed by letters only")
    return config


def _header(config: Document) -> Document:
    name = config.get("HttpHeaderName", "")
    if not HEADER_NAME.fullmatch(name):
        raise validation_error(f"The HTTP header name '{name}' is not valid")
    if name.lower() == "host":
        raise validation_error("The host header needs a 'host-header' condition")
    for value in config.get("Values", []):
        _check_text(value, None, "HTTP header value")
    return config


def _method(config: Document) -> Document:
    for value in config["Values"]:
        if not METHOD.fullmatch(value):
            raise validation_error(f"The HTTP request method '{value}' is not valid")
    return config


def _query(config: Document) -> Document:
    for pair in config["Values"]:
        if "Value" not in pair:
            raise validation_error("A query string condition must have a value")
        _check_text(pair["Value"], None, "query string value")
        if "Key" in pair:
            _check_text(pair["Key"], None, "query string key")
    return config


def _source(config: Document) -> Document:
    if "IpAddressType" in config:
        raise validation_error("'IpAddressType' is only for Network Load Balancers")
    for value in config["Values"]:
        try:
            if "/" not in value:
                raise ValueError("no prefix length")
            if ipaddress.ip_network(value) == NOBODY:
                raise ValueError("AWS does not take the broadcast address")
        except ValueError as error:
            raise validation_error(f"The source IP '{value}' is not a valid CIDR block: {error}") from None
    return config


_CHECKS: dict[str, Any] = {
    "path-pattern": _path,
    "host-header": _host,
    "http-header": _header,
    "http-request-method": _method,
    "query-string": _query,
    "source-ip": _source,
}
