"""Names for tools that every model API accepts: `[A-Za-z0-9_-]{1,64}`.

`files/read_file` becomes `files__read_file`. The name of a tool depends on that tool alone, never on which
others are there, so that prompts, their caches and stored conversations stay valid when servers come and go.

Two tools never share a name, even if a server picks its names to that end. A *plain* name joins the two parts
with `__`, and the first `__` in it is the joint: a server name that would blur this is never plain. All other
names carry a digest, and no plain name is allowed to look as if it carried one.
"""

from __future__ import annotations

import base64
import hashlib
import re

_LONGEST = 64
_PLAIN = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+", re.ASCII)
_DIGEST_LENGTH = 12  # base32: 60 bits
_DIGESTED = re.compile(rf".*_x[a-z2-7]{{{_DIGEST_LENGTH}}}", re.ASCII)


def qualified_name(server: str, tool: str) -> str:
    """The name of a tool in policies and config: `server/tool`. Server names hold no slash."""
    return f"{server}/{tool}"


def wire_name(server: str, tool: str) -> str:
    """The name of a tool towards models. Deterministic, and different for different tools."""
    plain = f"{server}__{tool}"
    return plain if _is_plain(server, tool, plain) else _digested(server, tool)


def _is_plain(server: str, tool: str, name: str) -> bool:
    return (
        len(name) <= _LONGEST
        and _PLAIN.fullmatch(server) is not None
        and _PLAIN.fullmatch(tool) is not None
        and "__" not in server
        and not server.endswith("_")
        and _DIGESTED.fullmatch(name) is None
    )


def _digested(server: str, tool: str) -> str:
    """A readable stem and a digest of both names, each with its length so that no two pairs read alike."""
    exact = f"{len(server)}:{server}{tool}".encode("utf-8", "surrogatepass")
    digest = base64.b32encode(hashlib.sha256(exact).digest()).decode("ascii").lower()[:_DIGEST_LENGTH]
    stem = _UNSAFE.sub("_", f"{server}__{tool}")[: _LONGEST - _DIGEST_LENGTH - 2]
    return f"{stem}_x{digest}"
