"""The catalogue that comes with toolgate: which servers it has, and how one becomes lines of a configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, cast

import orjson
from pydantic import BaseModel, ConfigDict, Field

from gateway.cli.commands import nearest
from gateway.cli.output import Failure
from gateway.cli.registering.lines import server_block
from gateway.config.importers import Imported, ImportedServer, import_servers

_FOLDER = ("mcp_servers", "catalog")
_META = "io.modelcontextprotocol.registry/publisher-provided"


class Needs(BaseModel):
    """What an entry says for toolgate alone, beside what the registry's form has a place for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sandbox: dict[str, Any] = {}
    """As beneath `sandbox` in the configuration."""
    hosts: list[str] = []
    """What it talks to, for people; `*` is anything."""
    allow: list[str] = []
    """Patterns of its tools that only read, as far as their names say."""
    sign_in: Literal["oauth"] | None = Field(default=None, alias="signIn")
    """How users sign in where a token in a header will not do."""
    note: str = ""
    """What else to know before it is used."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One server of the catalogue."""

    name: str
    title: str
    description: str
    needs: Needs
    imported: Imported

    @property
    def server(self) -> ImportedServer:
        """In our own form, with the sandbox that it needs."""
        (found,) = self.imported.servers
        sandbox = {"sandbox": self.needs.sandbox} if self.needs.sandbox else {}
        sign_in = {"auth": {"type": self.needs.sign_in}} if self.needs.sign_in else {}
        return ImportedServer(self.name, {**found.entry, **sign_in, **sandbox})

    @property
    def runs(self) -> str:
        """What is run, or where it is reached."""
        entry = self.server.entry
        if url := entry.get("url"):
            return str(url).partition("?")[0]
        return next(one for one in cast("Sequence[str]", entry["args"]) if not one.startswith("-"))

    def allowed(self, name: str) -> list[str]:
        """What to write beneath `allow` for a server of this name."""
        return [f"{name}/{pattern}" for pattern in self.needs.allow or ["*"]]

    def block(self, name: str) -> str:
        """The lines of the configuration for it, under a name."""
        about = [f"{self.title}: {self.description}"]
        if self.needs.note:
            about.append(self.needs.note)
        return server_block(name, self.server.entry, about)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "server": dict(self.server.entry),
            "variables": [
                {"name": one.name, "description": one.description, "secret": one.is_secret}
                for one in self.imported.variables
            ],
            "hosts": self.needs.hosts,
            "allow": self.allowed(self.name),
            "sign_in": self.needs.sign_in,
            "note": self.needs.note or None,
        }


def names() -> list[str]:
    """The servers of the catalogue, in order."""
    found = files(_FOLDER[0]).joinpath(_FOLDER[1]).iterdir()
    return sorted(one.name.removesuffix(".json") for one in found if one.name.endswith(".json"))


def text_of(name: str) -> str:
    """The server.json of an entry. Raises Failure when there is none of this name."""
    known = names()
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near}?" if near else "`toolgate servers catalog` lists them"
        raise Failure(f"there is no server {name!r} in the catalogue", hint=hint, status=2)
    return files(_FOLDER[0]).joinpath(_FOLDER[1], f"{name}.json").read_text(encoding="utf-8")


def entry_of(name: str) -> Entry:
    """An entry, read. Raises Failure when there is none of this name."""
    text = text_of(name)
    document: Mapping[str, Any] = orjson.loads(text)
    needs = Needs.model_validate(document["_meta"][_META]["toolgate"])
    imported = import_servers(text, Path(f"{name}.json"), "server-json")
    return Entry(name, document["title"], document["description"], needs, imported)
