"""From what a reader found to servers that can be written down: names, secrets, and whether they would load.

The values of secrets end here: what leaves knows the names of their variables alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from gateway.config.client_fields import take_foreign_fields
from gateway.config.config import Source
from gateway.config.importers.credentials import CredentialSorting
from gateway.config.importers.imported import Format, Gathering, Imported, ImportedServer, Note, Variable
from gateway.config.interpolation import Interpolation
from gateway.config.mcp_documents import ServersDocument
from gateway.config.report import Report
from gateway.config.servers import build_servers
from gateway.config.validation import validate

_REFERENCE = re.compile(r"(?<!\$)\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(:-[^{}]*)?\}", re.ASCII)
_PLACEHOLDER = "placeholder"
_PLACEHOLDER_URL = "https://placeholder.invalid/mcp"
_URLS = ("url", "serverUrl", "httpUrl")


def finish(form: Format, gathering: Gathering) -> Imported:
    """All that was gathered, fit to be shown. Blocking: looks at mounts and environment files."""
    servers: dict[str, ImportedServer] = {}
    secrets: dict[str, str] = {}
    secret_of: dict[str, str] = {}
    for found in gathering.found:
        name = own_name(found.name)
        if name in servers:
            gathering.leave_out(found.name, found.path, f"another server has the name {name}")
            continue
        _make_texts(found.entry)
        sorting = CredentialSorting(name, secrets)
        sorting.run(found.entry)
        known = {**placeholders(found.entry), **secrets, **sorting.secrets}
        if fault := fault_of(name, found.entry, known, gathering.base):
            gathering.leave_out(found.name, found.path, fault)
            continue
        if name != found.name:
            gathering.note(found.name, found.path, f"is called {name} here")
        secrets |= sorting.secrets
        secret_of |= dict.fromkeys(sorting.secrets, name)
        servers[name] = ImportedServer(name, found.entry)
    variables = _variables(servers.values(), secret_of, gathering)
    notes = [one for note in gathering.notes if (one := _named(note)).server is None or one.server in servers]
    return Imported(form, tuple(servers.values()), tuple(gathering.left_out), tuple(notes), tuple(variables))


def _make_texts(entry: dict[str, Any]) -> None:
    """Numbers and the like in the environment and in headers become texts, which others make of them as well."""
    for field in ("env", "headers"):
        values: Any = entry.get(field)
        if isinstance(values, dict):
            entry[field] = {
                name: value if isinstance(value, str | dict | list) else json.dumps(value)
                for name, value in cast("dict[str, Any]", values).items()
                if value is not None
            }


def own_name(name: str) -> str:
    """The name under which policies can hold a server."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-_.")[:64] or "server"


def fault_of(name: str, entry: Mapping[str, Any], variables: Mapping[str, str], folder: Path) -> str | None:
    """Why the gateway could not use this server; None when it could. Blocking."""
    report = Report(Source("", lambda _: None))
    tree: dict[str, Any] = {"mcpServers": {name: Interpolation(variables, None, report).expand(dict(entry))}}
    take_foreign_fields(tree, report)
    document = validate(ServersDocument, tree, report, is_foreign=False)
    list(build_servers(document, folder, report))
    if not report.errors:
        return None
    problem = report.errors[0]
    where = (problem.field or "").removeprefix(f"mcpServers.{name}").lstrip(".")
    return (f"{where}: " if where else "") + problem.message + (f" ({problem.hint})" if problem.hint else "")


def placeholders(entry: Mapping[str, Any]) -> dict[str, str]:
    """A value for each variable that an entry refers to without a default: a URL where it begins one."""
    values = {found[1]: _PLACEHOLDER for found in _references(entry) if not found[2]}
    for field in _URLS:
        found = _REFERENCE.match(str(entry.get(field, "")))
        if found:
            values[found[1]] = _PLACEHOLDER_URL
    return values


def _references(value: Any) -> Iterator[re.Match[str]]:
    if isinstance(value, str):
        yield from _REFERENCE.finditer(value)
    elif isinstance(value, dict):
        for inner in cast("dict[str, Any]", value).values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _references(inner)


def _named(note: Note) -> Note:
    return note if note.server is None else replace(note, server=own_name(note.server))


def _variables(
    servers: Iterable[ImportedServer], secret_of: Mapping[str, str], gathering: Gathering
) -> Iterator[Variable]:
    """Each variable that has to be set, and each that may be because it was asked for."""
    told: set[str] = set()
    for server in servers:
        for found in _references(server.entry):
            name = found[1]
            asked = gathering.asked.get(name)
            if name in told or (found[2] and asked is None):
                continue
            told.add(name)
            if name in secret_of:
                yield Variable(name, f"a secret of {secret_of[name]}, which stands in the file that was read")
            else:
                yield asked or Variable(name, f"{server.name} refers to it")
