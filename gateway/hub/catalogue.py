"""What all servers offer as one immutable value, swapped whole when any server's lists change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from gateway.hub.drift import Drift
from gateway.hub.entries import BadEntry, EntryKind, read_each
from gateway.hub.offers import (
    AboutServer,
    CataloguePrompt,
    CatalogueResource,
    CatalogueTemplate,
    read_prompt,
    read_resource,
    read_template,
)
from gateway.hub.tools import CatalogueTool, read_tool


@dataclass(frozen=True, slots=True)
class Listing:
    """What one server lists, sorted by name or URI, and what of it cannot be offered.

    `drift` has what is not as it was locked; what of it is not on offer is not among the tools. `about` is None
    until the server has been reached for the first time, and when nothing of it is on offer.
    """

    tools: tuple[CatalogueTool, ...] = ()
    bad: tuple[BadEntry, ...] = ()
    resources: tuple[CatalogueResource, ...] = ()
    templates: tuple[CatalogueTemplate, ...] = ()
    prompts: tuple[CataloguePrompt, ...] = ()
    about: AboutServer | None = None
    drift: tuple[Drift, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that is on offer, each part sorted. `generation` grows with every change of any part."""

    generation: int = 0
    tools: tuple[CatalogueTool, ...] = ()
    by_name: Mapping[str, CatalogueTool] = field(default_factory=dict[str, CatalogueTool], repr=False)
    by_wire_name: Mapping[str, CatalogueTool] = field(default_factory=dict[str, CatalogueTool], repr=False)
    resources: tuple[CatalogueResource, ...] = ()
    templates: tuple[CatalogueTemplate, ...] = ()
    prompts: tuple[CataloguePrompt, ...] = ()
    prompts_by_wire_name: Mapping[str, CataloguePrompt] = field(
        default_factory=dict[str, CataloguePrompt], repr=False
    )
    servers: Mapping[str, AboutServer] = field(default_factory=dict[str, AboutServer], repr=False)


def build_catalogue(generation: int, listings: Iterable[Listing]) -> Catalogue:
    """One catalogue from the listings of all servers."""
    every = list(listings)
    tools = sorted((tool for listing in every for tool in listing.tools), key=lambda tool: tool.qualified)
    resources = (one for listing in every for one in listing.resources)
    templates = (one for listing in every for one in listing.templates)
    prompts = sorted((one for listing in every for one in listing.prompts), key=lambda one: one.qualified)
    return Catalogue(
        generation,
        tuple(tools),
        MappingProxyType({tool.qualified: tool for tool in tools}),
        MappingProxyType({tool.wire_name: tool for tool in tools}),
        tuple(sorted(resources, key=lambda one: (one.server, one.uri))),
        tuple(sorted(templates, key=lambda one: (one.server, one.uri_template))),
        tuple(prompts),
        MappingProxyType({prompt.wire_name: prompt for prompt in prompts}),
        MappingProxyType({one.about.server: one.about for one in every if one.about is not None}),
    )


def read_listing(
    server: str,
    raw_tools: Sequence[Any],
    others: Mapping[EntryKind, Sequence[Any]] | None = None,
    about: AboutServer | None = None,
) -> Listing:
    """The raw entries of a server's lists, each judged by itself: a broken one never costs the others."""
    raw = others or {}
    tools, bad = read_each("tool", raw_tools, partial(read_tool, server), lambda tool: tool.name)
    resources, bad_resources = read_each(
        "resource", raw.get("resource", ()), partial(read_resource, server), lambda one: one.uri
    )
    templates, bad_templates = read_each(
        "template", raw.get("template", ()), partial(read_template, server), lambda one: one.uri_template
    )
    prompts, bad_prompts = read_each(
        "prompt", raw.get("prompt", ()), partial(read_prompt, server), lambda one: one.name
    )
    every_bad = (*bad, *bad_resources, *bad_templates, *bad_prompts)
    return Listing(tools, every_bad, resources, templates, prompts, about)
