"""A client's server becomes one of ours: the fields that mean something, credentials apart, paths made absolute.

Whether the result can be used, the configuration's own loader decides, on a file with that server alone.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import orjson

from gateway.cli.setup.clients import ClientFile, ClientServers
from gateway.config import load_config
from gateway.errors import ConfigError

_KEPT = (
    *("type", "command", "args", "env", "envFile", "cwd"),
    *("url", "serverUrl", "httpUrl", "headers", "timeout", "disabled", "enabled"),
)
_NAMES_CREDENTIAL = r"key|token|secret|passw|credential|auth|cookie|dsn"
_CREDENTIAL_NAME = re.compile(_NAMES_CREDENTIAL, re.IGNORECASE)
# `--api-key=VALUE`, `API_TOKEN=VALUE`, `Authorization: Bearer VALUE`
_CREDENTIAL_ARGUMENT = re.compile(
    rf"([\w-]*(?:{_NAMES_CREDENTIAL})[\w-]*\s*[=:]\s*(?:(?:Bearer|Basic|Token)\s+)?)(\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_CREDENTIAL_OPTION = re.compile(rf"--?[\w-]*(?:{_NAMES_CREDENTIAL})[\w-]*", re.IGNORECASE)
_CREDENTIAL_IN_QUERY = re.compile(rf"([?&][^=&]*(?:{_NAMES_CREDENTIAL})[^=&]*=)([^&#]+)", re.IGNORECASE)
_SCHEME = re.compile(r"((?:Bearer|Basic|Token)\s+)(.+)", re.IGNORECASE | re.DOTALL)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

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
        sorting = _Sorting(own_name, self._variables)
        sorting.run(entry)
        if any(other.entry == entry for other in self.adopted.values()):
            return None  # two clients have the same one
        if own_name in self.adopted:
            own_name = f"{own_name}-{file.client.split(maxsplit=1)[0].lower()}"
        if own_name in self.adopted:
            return LeftOut(name, file, "another server has this name")
        if sorting.secrets and not self._with_secrets:
            return LeftOut(name, file, WITHOUT_CREDENTIALS)
        if fault := _fault(own_name, entry, {**self._variables, **sorting.secrets}):
            return LeftOut(name, file, fault)
        return Adopted(own_name, entry, sorting.secrets, file)


def _entry(server: Mapping[str, Any], file: ClientFile) -> dict[str, Any]:
    """What means something to a gateway, as a value of its own, with absolute paths."""
    kept = {name: server[name] for name in _KEPT if name in server}
    text = orjson.dumps(kept).decode()
    for variable, value in (
        ("workspaceFolder", file.base),
        ("workspaceRoot", file.base),
        ("userHome", Path.home()),
    ):
        text = text.replace(f"${{{variable}}}", orjson.dumps(str(value)).decode()[1:-1])
    entry: dict[str, Any] = orjson.loads(text)
    for name in ("cwd", "envFile"):
        if isinstance(entry.get(name), str) and "${" not in entry[name]:
            entry[name] = str(file.base / entry[name])
    if file.client == "Gemini CLI" and "url" in entry and "httpUrl" not in entry:
        entry.setdefault("type", "sse")  # that is what the name of the field says there
    return entry


@dataclass(slots=True)
class _Sorting:
    """Replaces each credential in a server's entry by a variable."""

    server: str
    variables: Mapping[str, str] = field(repr=False)
    secrets: dict[str, str] = field(default_factory=dict[str, str], repr=False)

    def run(self, entry: dict[str, Any]) -> None:
        for name, value in _texts(entry.get("env")):
            if _CREDENTIAL_NAME.search(name) and _is_literal(value):
                entry["env"][name] = self._reference(value, name)
        for name, value in _texts(entry.get("headers")):
            if _CREDENTIAL_NAME.search(name) and _is_literal(value):
                scheme = _SCHEME.fullmatch(value)
                before, secret = scheme.groups() if scheme else ("", value)
                entry["headers"][name] = before + self._reference(secret, self._prefixed(name))
        for name in ("url", "serverUrl", "httpUrl"):
            if isinstance(entry.get(name), str):
                entry[name] = _CREDENTIAL_IN_QUERY.sub(self._in_place, entry[name])
        if isinstance(entry.get("args"), list):
            entry["args"] = self._arguments(cast("list[Any]", entry["args"]))

    def _arguments(self, arguments: list[Any]) -> list[Any]:
        sorted_out: list[Any] = []
        follows_option = False
        for argument in arguments:
            text = argument if isinstance(argument, str) else ""
            if follows_option and text and not text.startswith("-") and _is_literal(text):
                sorted_out.append(self._reference(text, self._prefixed("ARGUMENT")))
            else:
                match = _CREDENTIAL_ARGUMENT.fullmatch(text)
                sorted_out.append(self._in_place(match) if match else argument)
            follows_option = _CREDENTIAL_OPTION.fullmatch(text) is not None
        return sorted_out

    def _in_place(self, match: re.Match[str]) -> str:
        """The credential is the second group of the match."""
        name = re.sub(r"\W+", "_", match[1].partition("=")[0].partition(":")[0]).strip("_")
        return match[1] + self._reference(match[2], self._prefixed(name)) if _is_literal(match[2]) else match[0]

    def _reference(self, value: str, name: str) -> str:
        """`${NAME}`, the name being free or having this very value."""
        name = name if _VARIABLE.fullmatch(name) else self._prefixed(name)
        candidates = (
            name,
            self._prefixed(name),
            *(f"{self._prefixed(name)}_{number}" for number in range(2, 100)),
        )
        known = {**self.variables, **self.secrets}
        chosen = next(candidate for candidate in candidates if known.get(candidate, value) == value)
        self.secrets[chosen] = value
        return f"${{{chosen}}}"

    def _prefixed(self, name: str) -> str:
        return re.sub(r"[^A-Za-z0-9]+", "_", f"MCP_{self.server}_{name}").upper().strip("_")


def _texts(value: Any) -> list[tuple[str, str]]:
    entries = cast("dict[str, Any]", value).items() if isinstance(value, dict) else ()
    return [(name, text) for name, text in entries if isinstance(text, str)]


def _is_literal(value: str) -> bool:
    return bool(value.strip()) and "${" not in value


def _fault(name: str, entry: Mapping[str, Any], variables: Mapping[str, str]) -> str | None:
    """Why the gateway could not use this server; None when it could. Blocking."""
    with tempfile.TemporaryDirectory(prefix="toolgate-init-") as folder:
        path = Path(folder) / "server.json"
        path.write_bytes(orjson.dumps({"mcpServers": {name: entry}}))
        try:
            load_config(None, mcp_configs=[path], environ=variables)
        except ConfigError as error:
            problem = error.problems[0]
            where = (problem.field or "").removeprefix(f"mcpServers.{name}").lstrip(".")
            return (
                (f"{where}: " if where else "") + problem.message + (f" ({problem.hint})" if problem.hint else "")
            )
    return None
