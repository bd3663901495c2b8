"""One operation of a document: what it is as a tool, and what is needed to call it.

Above: `api` and `requests`. Below: one module for each part of it. Refuses to know: other operations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from gateway.hub.openapi.base import server_url
from gateway.hub.openapi.bodies import Body, read_body
from gateway.hub.openapi.document import Node
from gateway.hub.openapi.outputs import read_output
from gateway.hub.openapi.parameters import BODY, Given, Parameter, names_of, read_parameters
from gateway.hub.openapi.schemas import Schema
from gateway.hub.openapi.security import NO_SECURITY, Held, Security, read_security

METHODS = ("get", "head", "post", "put", "patch", "delete")
"""Those that become tools, as documents write them."""

_LONGEST_DESCRIPTION = 4000  # characters
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+", re.ASCII)
_EXPRESSION = re.compile(r"\{([^{}]*)\}")
_READ_ONLY = frozenset({"GET", "HEAD"})
_IDEMPOTENT = _READ_ONLY | {"PUT", "DELETE"}
_IN_PATHS = "/:@!$&'()*+,;=~-._%"  # what a path's own text may hold as it is (RFC 3986, section 3.3)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `method` is in capitals, `path` the template; `definition` an MCP tool."""

    name: str
    method: str
    path: str
    parameters: tuple[Parameter, ...] = field(repr=False)
    body: Body | None = field(repr=False)
    definition: Mapping[str, Any] = field(repr=False)
    security: Security = NO_SECURITY


def tool_name(node: Node, method: str, path: str) -> str:
    """The name of the tool: the `operationId` made valid, else method and path, such as `get_pets_id`."""
    named = _UNSAFE.sub("_", node.text("operationId")).strip("_.-")
    return named or _UNSAFE.sub("_", f"{method.lower()}{path}").strip("_.-")


def read_operation(path_item: Node, node: Node, method: str, path: str, given: Given, held: Held) -> Operation:
    """The operation at `node`. Raises DocumentFault when it cannot be offered."""
    node.object()
    root = Node(node.file, node.root, (), node.root, node.line_of)
    _check_server(root, path_item, node)
    security = read_security(root, node, held)
    body = read_body(node, method)
    parameters = read_parameters(path_item, node, given, has_body=body is not None)
    _check_path(node, path, parameters)
    name = tool_name(node, method, path)
    definition = _definition(node, name, method, path, parameters, body)
    return Operation(name, method, path, parameters, body, definition, security)


def _check_server(root: Node, path_item: Node, node: Node) -> None:
    """See that it is not served elsewhere: what goes with every request is meant for one place."""
    for owner in (node, path_item):
        url = server_url(owner)
        if url is None:
            continue
        if url != server_url(root):
            hint = "make another server of the same document, with that url and an include for this operation"
            raise owner.required("servers").fault("it is served at another URL than the rest", hint)
        return


def _check_path(node: Node, path: str, parameters: tuple[Parameter, ...]) -> None:
    """See that its expressions and parameters are one to one, and that it is nothing but a path."""
    literal = _EXPRESSION.sub("x", path)
    if (
        not path.startswith("/")
        or any(character in literal for character in "?#\\{}")
        or not literal.isprintable()
    ):
        raise node.fault("its path must begin with a slash, and be without ?, # and backslashes")
    if any(segment in (".", "..") for segment in literal.split("/")):
        raise node.fault("its path must be without the segments . and ..")
    expressions, declared = set(_EXPRESSION.findall(path)), names_of(parameters, "path")
    for name in sorted(expressions - declared):
        raise node.fault(f"there is no parameter for {{{name}}} in its path")
    for name in sorted(declared - expressions):
        raise node.fault(f"its path has no place for the parameter {name}")


def path_parts(path: str) -> list[str]:
    """Text and, at odd places, names of parameters in turn: `/a/{b}` is `/a/`, `b` and an empty text."""
    parts = _EXPRESSION.split(path)
    return [part if index % 2 else quote(part, safe=_IN_PATHS) for index, part in enumerate(parts)]


def _definition(
    node: Node, name: str, method: str, path: str, parameters: tuple[Parameter, ...], body: Body | None
) -> dict[str, Any]:
    definition: dict[str, Any] = {
        "name": name,
        "description": _description(node, method, path),
        "inputSchema": _input_schema(parameters, body),
        "annotations": _annotations(method),
    }
    if summary := node.text("summary"):
        definition["title"] = summary
    if output := read_output(node):
        definition["outputSchema"] = output
    return definition


def _description(node: Node, method: str, path: str) -> str:
    texts = dict.fromkeys(
        text.strip() for text in (node.text("summary"), node.text("description")) if text.strip()
    )
    notes = ["This operation is deprecated."] if node.flag("deprecated") else []
    text = "\n\n".join([*texts, *notes]) or f"{method} {path}"
    return text[:_LONGEST_DESCRIPTION]


def _input_schema(parameters: tuple[Parameter, ...], body: Body | None) -> Schema:
    properties = {parameter.argument: parameter.schema for parameter in parameters}
    required = [parameter.argument for parameter in parameters if parameter.is_required]
    if body is not None:
        properties[BODY] = body.schema
        required += [BODY] if body.is_required else []
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | {"required": required} if required else schema


def _annotations(method: str) -> dict[str, bool]:
    """What HTTP says of its methods (RFC 9110, section 9.2)."""
    if method in _READ_ONLY:
        return {"readOnlyHint": True, "openWorldHint": True}
    return {
        "readOnlyHint": False,
        "destructiveHint": method == "DELETE",
        "idempotentHint": method in _IDEMPOTENT,
        "openWorldHint": True,
    }
