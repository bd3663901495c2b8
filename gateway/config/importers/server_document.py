"""The official registry's `server.json`, schema 2025-12-11 (static.modelcontextprotocol.io/schemas).

The names of fields were written with underscores before September 2025: both forms are read. What is not in the
schema is let through, as it says of itself.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, AliasGenerator, BaseModel, ConfigDict, Field

from gateway.config.documents import fault

_NAME = re.compile(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+")
_RANGE = re.compile(r"[~^<>*]|=|\bx\b")


def _choices(name: str) -> AliasChoices:
    first, *rest = name.split("_")
    return AliasChoices(first + "".join(word.capitalize() for word in rest), name)


def _registry_name(value: str) -> str:
    if not 3 <= len(value) <= 200 or _NAME.fullmatch(value) is None:
        raise fault("must be a name in reverse-DNS form", "io.github.user/server, for example")
    return value


def _exact_version(value: str) -> str:
    if value == "latest" or _RANGE.search(value):
        raise fault("must be one exact version", "1.0.2, for example")
    return value


Version = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_exact_version)]


class RegistryModel(BaseModel):
    """What all parts have in common."""

    model_config = ConfigDict(
        frozen=True,
        hide_input_in_errors=True,
        alias_generator=AliasGenerator(validation_alias=_choices),
        populate_by_name=True,
    )


class Input(RegistryModel):
    """A value, or what is to be known to ask for one."""

    description: str = ""
    is_required: bool = False
    is_secret: bool = False
    format: Literal["string", "number", "boolean", "filepath"] = "string"
    value: str | None = None
    default: str | None = None
    placeholder: str | None = None
    choices: list[str] = []


class InputWithVariables(Input):
    """A value with `{variables}` in it."""

    variables: dict[str, Input] = {}


class KeyValueInput(InputWithVariables):
    """A header or a variable of the environment."""

    name: str


class Argument(InputWithVariables):
    """A part of a command line: a value where it stands, or one behind a name."""

    type: Literal["positional", "named"]
    name: str | None = None
    value_hint: str | None = None
    is_repeated: bool = False


class Transport(RegistryModel):
    """How a package or a remote server is spoken to."""

    type: Literal["stdio", "streamable-http", "sse"] = Field(
        default="stdio", validation_alias=AliasChoices("type", "transport_type")
    )
    url: str | None = None
    headers: list[KeyValueInput] = []
    variables: dict[str, Input] = {}


class Package(RegistryModel):
    """What can be installed and run."""

    registry_type: str
    identifier: str
    version: Version | None = None
    runtime_hint: str | None = None
    runtime_arguments: list[Argument] = []
    package_arguments: list[Argument] = []
    environment_variables: list[KeyValueInput] = []
    transport: Transport = Transport()


class Repository(RegistryModel):
    """Where the sources are."""

    url: str
    source: str = ""
    subfolder: str | None = None


class ServerJson(RegistryModel):
    """One server, as its publisher describes it."""

    name: Annotated[str, AfterValidator(_registry_name)]
    description: str = Field(min_length=1, max_length=100)
    title: str | None = Field(default=None, min_length=1, max_length=100)
    version: Version | None = None
    website_url: str | None = None
    repository: Repository | None = None
    packages: list[Package] = []
    remotes: list[Transport] = []
    meta: dict[str, Any] = Field(default={}, validation_alias="_meta")
