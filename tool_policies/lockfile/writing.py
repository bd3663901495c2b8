"""A lock file as text, for people who review it in a change request.

YAML, because the texts that models are shown then stand there as they read, a line of them to a line of the file,
and each member of a schema on a line of its own. The same content always gives the same bytes. What an eye cannot
see is escaped, and in names all that is not ASCII, so that a letter that only looks like another is no secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from tool_policies.lockfile.document import LockedServer, LockedTool, Lockfile, Source

VERSION = 1
LAST_LINE = "# end of tools.lock"
"""What shows that a file is whole."""

_HEAD = (
    "# What each tool server offers, as it was reviewed: what stands here is what models are shown.",
    "# Written by `toolgate lock`. Review it like code; do not edit it.",
    f"lock: {VERSION}",
)
_PLAIN = re.compile(r"[A-Za-z_$/][A-Za-z0-9_$@/.+-]*(?: [A-Za-z0-9_$@/.+-]+)*", re.ASCII)
_RESERVED = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_SHOWN_BY_NOTHING = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)  # without a shape, and yet called printable by Unicode
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_STEP = "  "


def write_lockfile(lockfile: Lockfile) -> str:
    """The file's text."""
    servers = {name: _server(server) for name, server in lockfile.servers.items()}
    body = _entries({"servers": servers}, "")
    return "\n".join([*_HEAD, *body, LAST_LINE, ""])


def _server(server: LockedServer) -> dict[str, Any]:
    prompts = {} if server.prompts is None else {"prompts": _defined(server.prompts)}
    source = {} if server.source is None else {"source": _source(server.source)}
    words = {} if server.instructions is None else {"instructions": server.instructions}
    return {**source, **words, "tools": _defined(server.tools), **prompts}


def _defined(entries: Mapping[str, LockedTool]) -> dict[str, Any]:
    return {one.name: {"sha256": one.sha256, "definition": one.definition} for one in entries.values()}


def _source(source: Source) -> dict[str, Any]:
    packages = None if source.packages is None else list(source.packages)
    rest = {
        "version": source.version,
        "integrity": source.integrity,
        "issuer": source.issuer,
        "packages": packages,
    }
    return {source.kind: source.asked, **{name: value for name, value in rest.items() if value is not None}}


def _entries(members: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in members.items():
        head = f"{indent}{_key(name)}:"
        if isinstance(value, Mapping | list) and value:
            yield head
            yield from _block(value, indent + _STEP)
        else:
            yield from _scalar(head, value, indent + _STEP)


def _items(items: list[Any], indent: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, Mapping | list) and item:
            first, *rest = _block(item, indent + _STEP)
            yield f"{indent}- {first.removeprefix(indent + _STEP)}"
            yield from rest
        else:
            yield from _scalar(f"{indent}-", item, indent + _STEP)


def _block(value: Any, indent: str) -> Iterator[str]:
    """A mapping or list that is not empty."""
    if isinstance(value, Mapping):
        return _entries(cast("Mapping[str, Any]", value), indent)
    return _items(cast("list[Any]", value), indent)


def _scalar(head: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, str) and "\n" in value:
        yield from _text(head, value, indent)
    else:
        yield f"{head} {_inline(value)}"


def _inline(value: Any) -> str:
    if isinstance(value, str):
        return value if _is_plain(value) else _quoted(value)
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping | list):
        return "{}" if isinstance(value, Mapping) else "[]"
    return repr(value)


def _text(head: str, text: str, indent: str) -> Iterator[str]:
    """Several lines: as they are, or each escaped where there is something to be seen in them."""
    lines = text.split("\n")
    if all(_is_visible(line) and not line.startswith("\t") for line in lines) and lines[-2:] != ["", ""]:
        ends = lines[-1] == ""
        hint = "2" if lines[0][:1] in ("", " ") else ""
        yield f"{head} |{hint}{'' if ends else '-'}"
        yield from (indent + line if line else "" for line in (lines[:-1] if ends else lines))
        return
    yield f'{head} "\\'
    for line in lines[:-1]:
        yield f"{indent}{_continued(line)}\\n\\"
    yield f'{indent}{_continued(lines[-1])}"'


def _continued(line: str) -> str:
    """Within quotes, white space at the beginning of a line counts only when it is escaped."""
    return ("\\" if line.startswith(" ") else "") + _escaped(line)


def is_seen(character: str) -> bool:
    """Whether an eye can tell that it is there."""
    return character.isprintable() and not _SHOWN_BY_NOTHING.match(character)


def _key(name: str) -> str:
    if _is_plain(name):
        return name
    return f'"{"".join(character if character.isascii() else _code(character) for character in _escaped(name))}"'


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and text.lower() not in _RESERVED


def _is_visible(line: str) -> bool:
    return line.replace("\t", " ").isprintable() and not _SHOWN_BY_NOTHING.search(line) and line == line.rstrip()


def _escaped(text: str) -> str:
    return "".join(
        _ESCAPES.get(character) or (character if is_seen(character) else _code(character)) for character in text
    )


def _code(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"
