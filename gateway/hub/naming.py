"""Names for tools that every model API accepts: `[A-Za-z0-9_-]{1,64}`; and shorter ones for clients of `/mcp`.

`files/read_file` becomes `files__read_file`. Clients of MCP put a prefix of their own before a server's names
(`mcp__toolgate__`), so these get names with at most 48 characters, made in the same way. The name of a tool
depends on that tool alone, never on which others are there, so that prompts, their caches and stored
conversations stay valid when servers come and go.

Two tools never share a name, even if a server picks its names to that end. A *plain* name joins the two parts
with `__`, and the first `__` in it is the joint: a server name that would blur this is never plain. All other
names carry a digest, and no plain name is allowed to look as if it carried one.
"""

from __future__ import annotations

import base64
import hashlib
import re

OWN_SERVER = "toolgate"
"""Whose tools the gateway runs itself; no server may be called so."""

_LONGEST = 64
_LONGEST_FOR_CLIENTS = 48
_PLAIN = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_OWN = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+", re.ASCII)
_DIGEST_LENGTH = 12  # base32: 60 bits
_DIGESTED = re.compile(rf".*_x[a-z2-7]{{{_DIGEST_LENGTH}}}", re.ASCII)


def qualified_name(server: str, tool: str) -> str:
    """The name of a tool in policies and config: `server/tool`. Server names hold no slash."""
    return f"{server}/{tool}"


def wire_name(server: str, tool: str) -> str:
    """The name of a tool towards models. Deterministic, and different for different tools."""
    return _joined(server, tool, _LONGEST)


def client_name(server: str, tool: str) -> str:
    """The name of a tool or prompt at `/mcp`, where all servers stand side by side. As good as `wire_name`."""
    return _joined(server, tool, _LONGEST_FOR_CLIENTS)


def own_name(server: str, tool: str) -> str:
    """The name of a tool or prompt at `/mcp/{server}`: the server's own, unless clients would stumble over it."""
    is_fit = len(tool) <= _LONGEST_FOR_CLIENTS and _OWN.fullmatch(tool) is not None
    if is_fit and _DIGESTED.fullmatch(tool) is None:
        return tool
    return _digested(server, tool, tool, _LONGEST_FOR_CLIENTS)


def _joined(server: str, tool: str, longest: int) -> str:
    plain = f"{server}__{tool}"
    is_plain = len(plain) <= longest and _is_plain(server, tool, plain)
    return plain if is_plain else _digested(server, tool, plain, longest)


def _is_plain(server: str, tool: str, name: str) -> bool:
    return (
        _PLAIN.fullmatch(server) is not None
        and _PLAIN.fullmatch(tool) is not None
        and "__" not in server
        and not server.endswith("_")
        and _DIGESTED.fullmatch(name) is None
    )


def _digested(server: str, tool: str, readable: str, longest: int) -> str:
    """A readable stem and a digest of both names, each with its length so that no two pairs read alike."""
    exact = f"{len(server)}:{server}{tool}".encode("utf-8", "surrogatepass")
    digest = base64.b32encode(hashlib.sha256(exact).digest()).decode("ascii").lower()[:_DIGEST_LENGTH]
    stem = _UNSAFE.sub("_", readable)[: longest - _DIGEST_LENGTH - 2]
    return f"{stem}_x{digest}"
