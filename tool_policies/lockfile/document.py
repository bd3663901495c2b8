"""What a lock file says: where each server comes from, and what each of its tools is.

Values only. Above: `gateway.hub` holds servers to them, `toolgate lock` writes and compares them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from tool_policies.lockfile.canonical import digest

SourceKind = Literal["npm", "pypi", "image", "bundled", "command", "url"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a server comes from.

    `asked` is what the configuration names: packages, an image, a program, or a URL without its credentials.
    `version` is the exact version that this came to, `integrity` the digest of what was installed (`sha512-...`
    and `sha256-...` as the registries write them; `sha256:...` for an image), `issuer` who gives out its tokens.
    `packages` are all that were installed with a package, it among them: sorted lines `NAME VERSION INTEGRITY`.
    """

    kind: SourceKind
    asked: str
    version: str | None = None
    integrity: str | None = None
    issuer: str | None = None
    packages: tuple[str, ...] | None = None

    def admits(self, found: Source) -> bool:
        """Whether `found` is this source.

        What was not known when it was locked is not asked for; nor is the issuer while it cannot be found out, for
        then there are no new tokens either.
        """
        issuer = found.issuer if self.issuer and found.issuer else self.issuer
        packages = None if self.packages is None else found.packages
        return (
            replace(found, integrity=self.integrity and found.integrity, issuer=issuer, packages=packages) == self
        )

    def completed(self, found: Source) -> Source:
        """With what `found`, which is the same source, says beyond it."""
        packages = found.packages if self.packages is None else self.packages
        return replace(
            self,
            integrity=self.integrity or found.integrity,
            issuer=self.issuer or found.issuer,
            packages=packages,
        )

    def __str__(self) -> str:
        """`npm files-server@^1, version 1.2.3, sha512-...`."""
        parts = [f"{self.kind} {self.asked}"]
        if self.version:
            parts.append(f"version {self.version}")
        if self.integrity:
            parts.append(self.integrity)
        if self.issuer:
            parts.append(f"issuer {self.issuer}")
        if self.packages is not None:
            whole = hashlib.sha256("\n".join(self.packages).encode()).hexdigest()
            parts.append(f"{len(self.packages)} packages {whole[:16]}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class LockedTool:
    """One tool, or one prompt: its whole definition, and the SHA-256 of its canonical form."""

    name: str
    sha256: str
    definition: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> LockedTool:
        """A tool or a prompt as a server lists it. Raises Uncanonical."""
        return cls(str(definition["name"]), digest(definition), definition)


@dataclass(frozen=True, slots=True)
class LockedServer:
    """One server: its source, None where that is not known, its tools by name, and how it asks to be used.

    Its prompts are None where nobody has taken them down: then they are held to nothing.
    """

    source: Source | None
    tools: Mapping[str, LockedTool]
    instructions: str | None = None
    prompts: Mapping[str, LockedTool] | None = None

    @classmethod
    def of(
        cls,
        source: Source | None,
        tools: Iterable[LockedTool],
        instructions: str | None = None,
        prompts: Iterable[LockedTool] | None = None,
    ) -> LockedServer:
        """A server with these tools and prompts, in the order of their names."""
        return cls(source, _in_order(tools), instructions or None, None if prompts is None else _in_order(prompts))


def _in_order(entries: Iterable[LockedTool]) -> Mapping[str, LockedTool]:
    by_name = {entry.name: entry for entry in entries}
    return MappingProxyType({name: by_name[name] for name in sorted(by_name)})


@dataclass(frozen=True, slots=True)
class Lockfile:
    """All servers by name."""

    servers: Mapping[str, LockedServer] = field(default_factory=dict[str, LockedServer])

    @property
    def tools(self) -> int:
        """How many tools there are."""
        return sum(len(server.tools) for server in self.servers.values())

    @property
    def prompts(self) -> int:
        """How many prompts there are."""
        return sum(len(server.prompts or ()) for server in self.servers.values())

    def replaced(self, servers: Mapping[str, LockedServer], *, keep: Iterable[str]) -> Lockfile:
        """With these servers, and of the present ones those in `keep`, in the order of their names."""
        kept = {name: self.servers[name] for name in keep if name in self.servers}
        together = {**kept, **servers}
        return Lockfile(MappingProxyType({name: together[name] for name in sorted(together)}))
