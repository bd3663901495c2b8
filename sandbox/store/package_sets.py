"""All packages of an installation as they can be written down: sorted lines `NAME VERSION INTEGRITY`.

Above: lock files have these lines, and hand them back to be installed from. Below: what npm says of a folder, and
what pip reported, as the modules beside this one read it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sandbox.spec import SandboxError

Lines = tuple[str, ...]
"""Of a whole installation; None stands for one of which something is not known."""

MOST_PACKAGES = 5000
_LINE = re.compile(
    r"(?P<name>\S{1,1000}) (?P<version>\S{1,300}) (?P<integrity>sha\d+-\S+(?: sha\d+-\S+)*)", re.ASCII
)
_HINT = "take its entry out of tools.lock and run `toolgate lock`; nobody else should write there"
OTHER_HINT = (
    "all of its packages are installed as they were locked: some are built for one platform, so lock the server "
    "where it runs; and if that is here, find out why the registry gives other content by now"
)


@dataclass(frozen=True, slots=True)
class Package:
    """One package: its name, or place among others; its exact version; its digest, as the registry gives it."""

    name: str
    version: str
    integrity: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} {self.integrity}"


def parse_lines(lines: Sequence[str]) -> Iterator[Package]:
    """The packages in lines. Raises SandboxError for what is none."""
    if len(lines) > MOST_PACKAGES:
        raise SandboxError(f"{len(lines)} packages are locked, more than {MOST_PACKAGES}", hint=_HINT)
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            raise bad_line(line)
        yield Package(match["name"], match["version"], match["integrity"])


def bad_line(line: str) -> SandboxError:
    """What to raise for a line that says nothing which could be installed."""
    return SandboxError(f"among the packages that were locked is {line[:200]!r}, which is none", hint=_HINT)


def digest_of(lines: Sequence[str]) -> str:
    """Identifies a set: 64 hexadecimal digits."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
