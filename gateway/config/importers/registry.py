"""A `server.json` of the official registry: which of its packages and remote servers runs here, and how.

The first package that toolgate can install is taken, else the first remote server. What has to be asked for
becomes a variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from pydantic import ValidationError

from gateway.config.config import Steps
from gateway.config.importers.imported import Gathering
from gateway.config.importers.server_document import (
    Argument,
    Input,
    InputWithVariables,
    KeyValueInput,
    Package,
    ServerJson,
    Transport,
)
from gateway.config.validation import explain
from gateway.errors import ConfigError

_BRACES = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]*)\}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_RUNNERS = {"npm": "npx", "pypi": "uvx", "oci": "docker"}


def read_registry(tree: Mapping[str, Any], gathering: Gathering) -> None:
    """The one server of a server.json, or of an answer of the registry's API."""
    inner = tree.get("server")
    above: Steps = ("server",) if isinstance(inner, dict) else ()
    written = cast("dict[str, Any]", inner) if above else tree
    document = _read_document(written, above, gathering)
    name = document.name.rpartition("/")[2]
    choice = _Choice(name, document, above, gathering)
    entry = choice.entry()
    if entry is None:
        gathering.leave_out(
            name, above, f"nothing of it runs here: {', '.join(choice.passed_over) or 'it is empty'}"
        )
        return
    if choice.passed_over:
        gathering.note(name, above, f"not taken: {', '.join(choice.passed_over)}")
    gathering.take(name, entry, above)


def _read_document(written: Mapping[str, Any], above: Steps, gathering: Gathering) -> ServerJson:
    """The typed form. Raises ConfigError with each mistake and its line."""
    try:
        return ServerJson.model_validate(written)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    problems = [gathering.source.problem((*above, *one["loc"]), *explain(one)) for one in details]
    raise ConfigError(problems)


class _Choice:
    """Turns one of a server's forms into an entry of ours, and keeps what it passes over."""

    def __init__(self, name: str, document: ServerJson, above: Steps, gathering: Gathering) -> None:
        self._name = name
        self._document = document
        self._above = above
        self._gathering = gathering
        self._prefix = re.sub(r"[^A-Za-z0-9]+", "_", name).upper().strip("_")
        self.passed_over: list[str] = []

    def entry(self) -> dict[str, Any] | None:
        """The entry, None when nothing of the server runs here."""
        entry: dict[str, Any] | None = None
        for index, package in enumerate(self._document.packages):
            what = f"the {package.registry_type} package {package.identifier}"
            if entry is None and package.registry_type in _RUNNERS and package.transport.type == "stdio":
                entry = self._package(package, (*self._above, "packages", index))
            else:
                self.passed_over.append(what)
        for remote in self._document.remotes:
            if entry is None and remote.type == "streamable-http" and remote.url:
                entry = self._remote(remote)
            else:
                self.passed_over.append(f"the remote server at {remote.url} ({remote.type})")
        return entry

    def _package(self, package: Package, path: Steps) -> dict[str, Any]:
        runtime = self._arguments(package.runtime_arguments, (*path, "runtimeArguments"))
        own = self._arguments(package.package_arguments, (*path, "packageArguments"))
        env = {
            one.name: value for one in package.environment_variables if (value := self._variable(one)) is not None
        }
        self._tell_unset(package.environment_variables, env, path)
        command = _RUNNERS[package.registry_type]
        if command == "npx":
            middle = ["-y", *(one for one in runtime if one not in ("-y", "--yes")), _pinned(package, "@")]
        elif command == "uvx":
            middle = [*runtime, _pinned(package, "==")]
        else:
            names = [part for name in env for part in ("-e", name)]
            rest = [one for one in runtime if one not in ("-i", "--rm", "run")]
            middle = ["run", "-i", "--rm", *names, *rest, _pinned(package, ":")]
        entry: dict[str, Any] = {"command": command, "args": [*middle, *own]}
        return {**entry, "env": env} if env else entry

    def _arguments(self, arguments: Iterable[Argument], path: Steps) -> list[str]:
        written: list[str] = []
        for index, argument in enumerate(arguments):
            value = self._value(argument, argument.value_hint or argument.name or "argument")
            if argument.format == "filepath":
                what = argument.value_hint or argument.name
                message = f"{what}: a path inside the sandbox; sandbox.mounts puts folders there"
                self._gathering.note(self._name, (*path, index), message)
            if argument.type == "positional":
                written += [] if value is None else [value]
            elif value is not None:
                name = argument.name or ""
                written += [f"{name}={value}"] if name.startswith("--") else [name, value]
            elif argument.name and not (argument.description or argument.value_hint or argument.choices):
                written += [argument.name]  # a switch: there is nothing to ask for
        return written

    def _variable(self, one: KeyValueInput) -> str | None:
        """The value of a variable of the environment: fixed, the default, or one of ours of the same name."""
        if one.value is not None:
            return self._filled(one)
        if one.is_secret or one.is_required:
            asked = self._ask(one.name, one)
            return asked if one.is_required else f"${{{one.name}:-{_plain(one.default)}}}"
        return one.default

    def _value(self, one: InputWithVariables, name: str) -> str | None:
        if one.value is not None:
            return self._filled(one)
        if one.default is not None and not one.is_secret:
            return one.default
        return self._ask(self._named(name), one) if one.is_required else None

    def _filled(self, one: InputWithVariables) -> str:
        return self._in_braces(one.value or "", one.variables)

    def _in_braces(self, text: str, variables: Mapping[str, Input]) -> str:
        def fill(found: re.Match[str]) -> str:
            known = variables.get(found[1])
            if known is None:
                return found[0]
            fixed = known.value if known.value is not None else None if known.is_secret else known.default
            return fixed if fixed is not None else self._ask(self._named(found[1]), known)

        return _BRACES.sub(fill, text)

    def _remote(self, remote: Transport) -> dict[str, Any]:
        entry: dict[str, Any] = {"type": "http", "url": self._in_braces(remote.url or "", remote.variables)}
        headers: dict[str, str] = {}
        for header in remote.headers:
            if (value := self._value(header, header.name)) is not None:
                headers[header.name] = value
        self._tell_unset(remote.headers, headers, self._above)
        return {**entry, "headers": headers} if headers else entry

    def _tell_unset(self, known: Iterable[KeyValueInput], given: Mapping[str, str], path: Steps) -> None:
        unset = [one.name for one in known if one.name not in given]
        if unset:
            self._gathering.note(self._name, path, f"may be set, too: {', '.join(unset)}")

    def _named(self, name: str) -> str:
        if _VARIABLE.fullmatch(name):
            return name
        plain = re.sub(r"[^A-Za-z0-9]+", "_", name).upper().strip("_")
        return plain if plain.startswith(self._prefix) else f"{self._prefix}_{plain}"

    def _ask(self, name: str, one: Input) -> str:
        description = one.description or f"{self._name} needs it"
        choices = f" (one of {', '.join(one.choices)})" if one.choices else ""
        return self._gathering.ask(name, description + choices, is_secret=one.is_secret)


def _plain(default: str | None) -> str:
    return "" if default is None or set(default) & set("{}$") else default


def _pinned(package: Package, sign: str) -> str:
    """The package with its version, unless its name has one already, as those of images do."""
    version = package.version
    last = package.identifier.rpartition("/")[2]
    has_one = sign == ":" and (":" in last or "@" in last)
    return package.identifier if version is None or has_one else f"{package.identifier}{sign}{version}"
