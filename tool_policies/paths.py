"""Whether a path, as text, lies beneath a folder: what `within` asks.

Lexical, since the engine sees no disk: `..` is taken away as text, as `mcp_servers.filesystem` does it, so a
server that lets the kernel follow a link first may still be led elsewhere. Links are for the server and its
sandbox to hold; this holds the text.

A relative path is refused unless `relative_to` says which folder the server takes it from: were it taken from
the root instead, `within: {path: /workspace/reports}` would let `notes.txt` pass, which a server that starts in
`/workspace` opens as `/workspace/notes.txt`.

Servers read paths in different ways, so a path passes only when every way to read it stays inside: as it is, with
percent escapes decoded, and with look-alikes of `.`, `/` and the backslash taken for what they look like. What
only a trick needs is refused on sight: NUL and other control characters, invisible ones, backslashes, two slashes
in front, `~`, a drive or a URL scheme.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

LONGEST = 4096
"""Characters that a path may have: PATH_MAX of Linux."""

RelativeTo = str | None
"""The absolute folder that relative paths are taken from; None refuses them."""

_DECODINGS = 4  # times that a path may be percent-encoded over itself
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:", re.ASCII)
_UNUSUAL_ESCAPE = re.compile(r"%u[0-9a-fA-F]{4}", re.ASCII)
# `...`, `.. ` and `..;x` are the parent folder to some systems.
_DOTS = re.compile(r"[. ]{2,}(;.*)?", re.DOTALL)
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Signs that look like a slash or a backslash; compatibility normalisation (NFKC) leaves these as they are.
_LOOK_ALIKES = str.maketrans(
    {
        "\u2044": "/",
        "\u2215": "/",
        "\u29f8": "/",
        "\u2571": "/",
        "\u2216": "\\",
        "\u29f5": "\\",
        "\u29f9": "\\",
        "\u2572": "\\",
    }
)


def root_of(text: str) -> str | None:
    """The root that `text` names, without a trailing slash; None when it is not an absolute, plain path."""
    normal = normalise(text)
    plain = text.startswith("/") and "%" not in text and _trick(text) is None
    return normal if plain and normal == (text.rstrip("/") or "/") else None


def why_outside(path: str, root: str, relative_to: RelativeTo = None) -> str | None:
    """Why `path` does not lie beneath `root`, which counts as beneath itself; None when it does."""
    if len(path) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if relative_to is None and not path.startswith("/"):
        return "is relative, and must be absolute"
    base = relative_to or root
    folded_root, folded_base = _folded(root), _folded(base)
    for reading in _readings(path):
        if reading is None:
            return "cannot be decoded"
        why = _trick(reading) or _beyond(reading, root, base)
        if why is None and not reading.isascii():
            folded = _folded(reading)
            why = _trick(folded) or _beyond(folded, folded_root, folded_base)
        if why is not None:
            return why
    return None


def normalise(path: str) -> str:
    """An absolute path without `.`, `..` and double slashes; `..` at the top stays at the top."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def _beyond(path: str, root: str, base: str) -> str | None:
    whole = normalise(path if path.startswith("/") else f"{base}/{path}")
    inside = root in ("/", whole) or whole.startswith(f"{root}/")
    return None if inside else "lies outside the folder it must be in"


def _trick(path: str) -> str | None:
    """What in the path only a trick needs."""
    if "\\" in path:
        return "holds a backslash"
    if _holds_invisible(path):
        return "holds a control character or an invisible one"
    if path != path.strip():
        return "begins or ends with white space"
    if path.startswith("//"):
        return "begins with two slashes"
    if path.startswith("~") or _SCHEME.match(path):
        return "begins with ~, a drive or a URL scheme"
    if "." in path and any(part != ".." and _DOTS.fullmatch(part) for part in path.split("/")):
        return "holds a part made of dots that some systems read as `..`"
    return None


def _holds_invisible(path: str) -> bool:
    if path.isascii():
        return not path.isprintable()
    return any(unicodedata.category(sign) in _INVISIBLE for sign in path)


def _readings(path: str) -> Iterator[str | None]:
    """The path as it is, and decoded as often as it is encoded; None when that cannot be said."""
    yield path
    for _ in range(_DECODINGS):
        if "%" not in path:
            return
        decoded = unquote(path, errors="replace")
        if "\ufffd" in decoded or _UNUSUAL_ESCAPE.search(decoded):
            break
        if decoded == path:
            return
        path = decoded
        yield path
    yield None


def _folded(path: str) -> str:
    return path if path.isascii() else unicodedata.normalize("NFKC", path.translate(_LOOK_ALIKES))
