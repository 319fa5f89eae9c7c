"""The AWS Query protocol: form fields into values, values into XML, both led by the service model."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from local_alb.errors import ApiError

# A list index beyond this is an attack on memory, not a request: no operation takes more members.
MAX_INDEX = 10_000
# XML 1.0 knows no other control characters than these; a reply with one of them could not be read.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

Tree = dict[str, Any]


def malformed(message: str) -> ApiError:
    """Returns the answer to a request that does not have the form of its operation."""
    return ApiError("MalformedInput", message)


def parse_request(operation: OperationModel, fields: dict[str, str]) -> dict[str, Any]:
    """Reads the form fields of one request into plain values.

    ``fields`` maps names such as ``Targets.member.1.Id`` to their text, ``Action`` and ``Version`` left out. Returns
    what a boto3 caller would have passed. Raises ApiError for a field that the operation does not know, for a gap in
    a list and for text that is not of the member's type.
    """
    tree: Tree = {}
    for name, text in fields.items():
        _graft(tree, name, text)
    if not isinstance(operation.input_shape, StructureShape):
        return {}
    return _parse_structure(operation.input_shape, tree, "")


def _graft(tree: Tree, name: str, text: str) -> None:
    *stems, leaf = name.split(".")
    node = tree
    for stem in stems:
        child = node.setdefault(stem, {})
        if not isinstance(child, dict):
            raise malformed(f"'{name}' contradicts another parameter")
        node = child
    if leaf in node:
        raise malformed(f"'{name}' is given twice")
    node[leaf] = text


def _parse(shape: Shape, node: Tree | str, where: str) -> Any:
    if isinstance(shape, StructureShape):
        return _parse_structure(shape, node, where)
    if isinstance(shape, ListShape):
        return _parse_list(shape, node, where)
    if isinstance(shape, MapShape):
        return _parse_map(shape, node, where)
    if isinstance(node, dict):
        raise malformed(f"Unexpected complex element at '{where}'")
    return _parse_scalar(shape.type_name, node, where)


def _parse_structure(shape: StructureShape, node: Tree | str, where: str) -> dict[str, Any]:
    if isinstance(node, str):
        # An empty structure travels as `Name=`.
        if node == "":
            return {}
        raise malformed(f"Unexpected text at '{where}': a structure is expected")
    members = shape.members
    wire_names = {member.serialization.get("name", name): name for name, member in members.items()}
    parsed = {}
    for wire_name, child in node.items():
        if wire_name not in wire_names:
            path = f"{where}.{wire_name}" if where else wire_name
            raise malformed(f"Unknown parameter '{path}'; known here: {', '.join(sorted(wire_names))}")
        name = wire_names[wire_name]
        parsed[name] = _parse(members[name], child, f"{where}.{name}" if where else name)
    return parsed


def _parse_list(shape: ListShape, node: Tree | str, where: str) -> list[Any]:
    if isinstance(node, str):
        # An empty list travels as `Name=`.
        if node == "":
            return []
        raise malformed(f"Unexpected text at '{where}': a list is expected")
    if not shape.serialization.get("flattened"):
        stem = shape.member.serialization.get("name", "member")
        members = node.get(stem)
        if set(node) != {stem} or not isinstance(members, dict):
            raise malformed(f"A list is expected at '{where}', in the form '{where}.{stem}.1'")
    else:
        members = node
    indices = []
    for index in members:
        if not index.isascii() or not index.isdigit() or not 1 <= int(index[:8]) <= MAX_INDEX:
            raise malformed(f"'{index}' is not an index of the list '{where}'")
        indices.append(int(index))
    if sorted(indices) != list(range(1, len(indices) + 1)):
        raise malformed(f"The list '{where}' has a gap")
    return [_parse(shape.member, members[str(index)], f"{where}.{index}") for index in sorted(indices)]


def _parse_map(shape: MapShape, node: Tree | str, where: str) -> dict[str, Any]:
    if isinstance(node, str):
        # An empty map travels as `Name=`.
        if node == "":
            return {}
        raise malformed(f"Unexpected text at '{where}': a map is expected")
    entries = node.get("entry")
    if not isinstance(entries, dict):
        raise malformed(f"A map is expected at '{where}', in the form '{where}.entry.1.key'")
    parsed = {}
    for entry in entries.values():
        if not isinstance(entry, dict) or set(entry) != {"key", "value"}:
            raise malformed(f"Each entry of '{where}' has a key and a value")
        parsed[_parse(shape.key, entry["key"], where)] = _parse(shape.value, entry["value"], where)
    return parsed


def _parse_scalar(kind: str, text: str, where: str) -> Any:
    if kind in ("integer", "long"):
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise malformed(f"Invalid integer at '{where}': '{text}'")
        return int(text)
    if kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise malformed(f"Invalid boolean at '{where}': '{text}'")
        return text.lower() == "true"
    if UNPRINTABLE.search(text):
        raise malformed(f"'{where}' holds a character that XML cannot carry")
    return text


def serialise_reply(operation: OperationModel, reply: dict[str, Any], request_id: str) -> str:
    """Returns the XML document that answers ``operation`` with ``reply``, a value of its output shape."""
    result = ""
    if operation.output_shape is not None:
        wrapper = operation.output_shape.serialization.get("resultWrapper", f"{operation.name}Result")
        result = _element(wrapper, operation.output_shape, reply)
    namespace = operation.service_model.metadata["xmlNamespace"]
    return (
        f'<{operation.name}Response xmlns="{namespace}">{result}'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation.name}Response>"
    )


def _element(tag: str, shape: Shape, value: Any) -> str:
    if isinstance(shape, StructureShape):
        unknown = set(value) - set(shape.members)
        if unknown:
            raise KeyError(f"{shape.name} has no members {sorted(unknown)}")
        inner = "".join(
            _element(member.serialization.get("name", name), member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        )
    elif isinstance(shape, ListShape):
        inner = "".join(_element("member", shape.member, item) for item in value)
    elif isinstance(shape, MapShape):
        inner = "".join(
            f"<entry>{_element('key', shape.key, key)}{_element('value', shape.value, item)}</entry>"
            for key, item in value.items()
        )
    else:
        inner = escape(_text(shape.type_name, value))
    return f"<{tag}>{inner}</{tag}>"


def _text(kind: str, value: Any) -> str:
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        moment = datetime.fromtimestamp(value, UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    return str(value)


def serialise_error(error: ApiError, namespace: str, request_id: str) -> str:
    """Returns the XML document that refuses a request."""
    kind = "Sender" if error.is_from_sender else "Receiver"
    message = escape(UNPRINTABLE.sub("?", error.message))
    return (
        f'<ErrorResponse xmlns="{namespace}"><Error><Type>{kind}</Type><Code>{escape(error.code)}</Code>'
        f"<Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
