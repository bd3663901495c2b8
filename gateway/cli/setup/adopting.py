"""A client's server becomes one of ours: the fields that mean something, credentials apart, paths made absolute.

Whether the result can be used, the steps of the configuration's own loader decide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.cli.setup.clients import ClientFile, ClientServers
from gateway.config.importers.credentials import CredentialSorting
from gateway.config.importers.editor_variables import fill_editor_variables, with_absolute_paths
from gateway.config.importers.finishing import fault_of

_KEPT = (
    *("type", "command", "args", "env", "envFile", "cwd"),
    *("url", "serverUrl", "httpUrl", "headers", "timeout", "disabled", "enabled"),
)

WITHOUT_CREDENTIALS = "it holds credentials, and these were not to be copied"


@dataclass(frozen=True, slots=True)
class Adopted:
    """A server to write down. `secrets` has the values of the variables that `entry` refers to."""

    name: str
    entry: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    file: ClientFile


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A server that is not taken over, and why not."""

    name: str
    file: ClientFile
    reason: str


class Adoption:
    """Takes servers over, one after the other. `variables` is the environment, that of `.env` included."""

    def __init__(self, variables: Mapping[str, str], *, with_secrets: bool) -> None:
        self._variables = dict(variables)
        self._with_secrets = with_secrets
        self.adopted: dict[str, Adopted] = {}
        self.left_out: list[LeftOut] = []

    def take(self, found: ClientServers) -> None:
        """Take over what can be of one file. Blocking."""
        for name, server in found.servers.items():
            taken = self._take_one(name, server, found.file)
            if isinstance(taken, LeftOut):
                self.left_out.append(taken)
            elif taken is not None:
                self.adopted[taken.name] = taken
                self._variables |= taken.secrets

    def _take_one(self, name: str, server: Mapping[str, Any], file: ClientFile) -> Adopted | LeftOut | None:
        own_name = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")[:40] or "server"
        entry = _entry(server, file)
        sorting = CredentialSorting(own_name, self._variables)
        sorting.run(entry)
        if any(other.entry == entry for other in self.adopted.values()):
            return None  # two clients have the same one
        if own_name in self.adopted:
            own_name = f"{own_name}-{file.client.split(maxsplit=1)[0].lower()}"
        if own_name in self.adopted:
            return LeftOut(name, file, "another server has this name")
        if sorting.secrets and not self._with_secrets:
            return LeftOut(name, file, WITHOUT_CREDENTIALS)
        if fault := fault_of(own_name, entry, {**self._variables, **sorting.secrets}, file.base):
            return LeftOut(name, file, fault)
        return Adopted(own_name, entry, sorting.secrets, file)


def _entry(server: Mapping[str, Any], file: ClientFile) -> dict[str, Any]:
    """What means something to a gateway, as a value of its own, with absolute paths."""
    kept = {name: server[name] for name in _KEPT if name in server}
    entry = with_absolute_paths(fill_editor_variables(kept, file.base, Path.home()), file.base)
    if file.client == "Gemini CLI" and "url" in entry and "httpUrl" not in entry:
        entry.setdefault("type", "sse")  # that is what the name of the field says there
    return entry
