"""What is known of a request to a model once it has been understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gateway.api.brought_tools import BroughtTools
from gateway.api.toolgate_field import RequestOptions
from gateway.auth import Principal
from gateway.dialects import Dialect
from gateway.exposure import Exposure
from gateway.routing import Form, Route
from tool_policies import Policy

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def _nothing() -> Mapping[str, Any]:
    return _NOTHING


@dataclass(slots=True)  # not frozen: one is made for every request, at a third of the price
class Inquiry:
    """Who asks what of which model, with which tools, in which dialect.

    `fields` is the parsed `body`, with all that it refers to put in full, and without what of `brought` was taken
    out of it. `repeated` are fields that the answer is to repeat otherwise than they stand there.
    `path` is set where it goes elsewhere than to where the dialect calls models, and `form` where it is no
    conversation.
    """

    principal: Principal
    body: bytes = field(repr=False)
    fields: Mapping[str, Any] = field(repr=False)
    options: RequestOptions
    route: Route
    exposure: Exposure[Policy]
    dialect: Dialect
    brought: BroughtTools
    repeated: Mapping[str, Any] = field(default_factory=_nothing, repr=False)
    path: str | None = None
    form: Form | None = field(default=None, repr=False)

    @property
    def surface(self) -> str:
        """What the audit trail calls the way that it came."""
        return self.dialect.name if self.path is None else self.path.strip("/")

    @property
    def model(self) -> str:
        """The model by the name that the client used."""
        return self.fields["model"]
