"""What servers offer beside tools: resources, templates of resources, prompts, and words about themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.hub.entries import read_name, read_uri
from gateway.hub.naming import qualified_name, wire_name


@dataclass(frozen=True, slots=True)
class CatalogueResource:
    """One resource. `definition` is what the server sent, untouched."""

    server: str
    uri: str
    definition: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CatalogueTemplate:
    """One template of resources. `definition` is what the server sent, untouched."""

    server: str
    uri_template: str
    definition: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CataloguePrompt:
    """One prompt, named like a tool. `definition` is what the server sent, untouched."""

    server: str
    name: str
    qualified: str
    wire_name: str
    definition: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AboutServer:
    """What a server says of itself: its protocol version, what it can do, and how it wants to be used.

    `implementation` is its own name and version, for display only.
    """

    server: str
    version: str
    capabilities: Mapping[str, Any] = field(default_factory=dict[str, Any])
    instructions: str | None = None
    implementation: Mapping[str, Any] = field(default_factory=dict[str, Any])


def read_resource(server: str, resource: Mapping[str, Any]) -> CatalogueResource:
    """One entry of `resources/list`. Raises UnusableEntry."""
    return CatalogueResource(server, read_uri(resource, "uri"), resource)


def read_template(server: str, template: Mapping[str, Any]) -> CatalogueTemplate:
    """One entry of `resources/templates/list`. Raises UnusableEntry."""
    return CatalogueTemplate(server, read_uri(template, "uriTemplate"), template)


def read_prompt(server: str, prompt: Mapping[str, Any]) -> CataloguePrompt:
    """One entry of `prompts/list`. Raises UnusableEntry."""
    name = read_name(prompt)
    return CataloguePrompt(server, name, qualified_name(server, name), wire_name(server, name), prompt)
