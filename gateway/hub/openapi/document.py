"""Reads an OpenAPI document, and walks it: every part knows the line and the JSON pointer at which it stands.

Above: everything that reads an API. Below: the readers of YAML and JSON. Refuses to know: what the parts mean.
References are followed inside the document only: nothing is ever fetched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

from gateway.config.files import FileFault, read_text
from gateway.config.located_json import JsonProblem, load_json
from gateway.errors import Problem
from gateway.telemetry.visible import one_line
from tool_policies.located_yaml import Bounds, YamlProblem, load_yaml

LARGEST = 16 * 1024 * 1024
"""Bytes that a document may have."""
_MOST_NODES = 1_000_000  # values in it
_MOST_HOPS = 20  # from reference to reference
_LONGEST_SHOWN = 200  # characters of a pointer or name in a message
_VERSION = re.compile(r"3\.[012](\.[0-9]+)?(-.*)?", re.ASCII)

Steps = tuple[str | int, ...]


class DocumentFault(Exception):
    """What is wrong with a document, or with one part of it, and where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem

    def reason(self) -> str:
        """What is wrong, for those who know which part it is about: with the line."""
        line = self.problem.line
        return self.problem.message if line is None else f"line {line}: {self.problem.message}"


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a document, and the way to it from the root."""

    file: str
    value: Any = field(repr=False)
    steps: Steps
    root: Any = field(repr=False)
    line_of: Callable[[Sequence[str | int]], int | None] = field(repr=False)

    def fault(self, message: str, hint: str | None = None) -> DocumentFault:
        """To be raised: this part is wrong."""
        where = one_line(self.pointer, _LONGEST_SHOWN)
        return DocumentFault(Problem(self.file, message, self.line_of(self.steps), where, hint))

    @property
    def pointer(self) -> str:
        """The JSON pointer to this part, as a reference would write it."""
        return "#" + "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in self.steps)

    def get(self, key: str) -> Node | None:
        """The member of that name; None when there is none, or this is no object."""
        members = self.members()
        return self._at(key, members[key]) if members.get(key) is not None else None

    def text(self, key: str) -> str:
        """The member of that name if it is a string, else an empty one."""
        found = self.members().get(key)
        return found if isinstance(found, str) else ""

    def flag(self, key: str) -> bool | None:
        """The member of that name if it is true or false."""
        found = self.members().get(key)
        return found if isinstance(found, bool) else None

    def members(self) -> dict[str, Any]:
        """The members of an object; of anything else none."""
        return cast("dict[str, Any]", self.value) if isinstance(self.value, dict) else {}

    def items(self) -> Iterator[tuple[str, Node]]:
        """The members of an object, in the order of the document."""
        for key, value in self.members().items():
            yield key, self._at(key, value)

    def elements(self) -> Iterator[Node]:
        """The elements of an array; of anything else none."""
        if isinstance(self.value, list):
            for index, value in enumerate(cast("list[Any]", self.value)):
                yield self._at(index, value)

    def required(self, key: str) -> Node:
        """The member of that name. Raises DocumentFault."""
        found = self.get(key)
        if found is None:
            raise self.fault(f"there is no {key} here")
        return found

    def object(self) -> Node:
        """This, if it is an object. Raises DocumentFault."""
        if not isinstance(self.value, dict):
            raise self.fault("an object is wanted here")
        return self

    def resolved(self) -> Node:
        """What this is once its references are followed, an object. Raises DocumentFault."""
        node = self.object()
        for _ in range(_MOST_HOPS):
            if "$ref" not in node.members():
                return node
            node = node.target().object()
        raise self.fault("this reference leads back to itself, or through too many others")

    def target(self) -> Node:
        """What the reference here points to, one hop away. Raises DocumentFault."""
        reference = self.members().get("$ref")
        if not isinstance(reference, str):
            raise self.fault("a reference must be a string")
        shown = one_line(reference, _LONGEST_SHOWN)
        if not reference.startswith("#"):
            hint = "bundle the documents into one file"
            raise self.fault(f"refers to another document ({shown}), which is not read", hint)
        pointer = unquote(reference[1:])
        if pointer and not pointer.startswith("/"):
            raise self.fault(f"refers to an anchor ({shown}), and only JSON pointers are followed")
        node = Node(self.file, self.root, (), self.root, self.line_of)
        for part in pointer.split("/")[1:]:
            found = node.child(part.replace("~1", "/").replace("~0", "~"))
            if found is None:
                raise self.fault(f"refers to {shown}, which is not in this document")
            node = found
        return node

    def child(self, step: str) -> Node | None:
        """The member of that name, or the element of that number."""
        if isinstance(self.value, list):
            elements = cast("list[Any]", self.value)
            is_index = step.isdecimal() and step.isascii() and len(step) < 10 and int(step) < len(elements)
            return self._at(int(step), elements[int(step)]) if is_index else None
        members = self.members()
        return self._at(step, members[step]) if step in members else None

    def _at(self, step: str | int, value: Any) -> Node:
        return Node(self.file, value, (*self.steps, step), self.root, self.line_of)


def read_document(path: Path) -> Node:
    """The root of the document in a file. Blocking, for seconds where it is large. Raises DocumentFault."""
    root = _read(path)
    if "swagger" in root.members():
        hint = "convert it to OpenAPI 3.0; there are converters for that"
        raise root.fault("this is a Swagger 2.0 document, which is not read", hint)
    version = root.members().get("openapi")
    if not isinstance(version, str) or _VERSION.fullmatch(version) is None:
        hint = "it begins with `openapi: 3.1.0`, or 3.0 or 3.2; a version stands in quotes if it has one dot only"
        raise root.fault("this is not an OpenAPI document of version 3.0, 3.1 or 3.2", hint)
    return root


def _read(path: Path) -> Node:
    file = str(path)
    try:
        text = read_text(path, longest=LARGEST).text
        is_json = path.suffix == ".json" or text.lstrip()[:1] == "{"
        found = load_json(text) if is_json else load_yaml(text, _BOUNDS, keys_as_written=True)
    except FileFault as fault:
        raise DocumentFault(Problem(file, fault.message, fault.line, hint=fault.hint)) from None
    except YamlProblem as fault:
        raise DocumentFault(Problem(file, fault.message, fault.line, hint=fault.hint)) from None
    except JsonProblem as fault:
        raise DocumentFault(Problem(file, fault.message, fault.line)) from None
    if not isinstance(found.value, dict):
        raise DocumentFault(Problem(file, "this is not an OpenAPI document: it must be an object"))
    return Node(file, cast("Any", found.value), (), cast("Any", found.value), found.line_of)


_BOUNDS = Bounds(LARGEST, _MOST_NODES)
