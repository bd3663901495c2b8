"""Tools as a model sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gateway.conversation.source import Source


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A function that the model may call. `parameters` is a JSON Schema whose root is an object.

    With `is_function` False it is a tool of another kind (one that the provider runs, say), which only the dialect
    in `source` can describe. `strict` asks the provider for calls that satisfy the schema without exception.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    source: Source | None = None
    is_function: bool = True
    strict: bool = False


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether the model may, must or must not call tools; `name` is set for mode `named` alone.

    `among` are the only tools that may be called, by name; None where it may be any. `afterwards` is what is left
    of a choice that forces a call, once a call has been made.
    """

    mode: Literal["auto", "none", "required", "named", "unknown"]
    name: str | None = None
    source: Source | None = None
    afterwards: ToolChoice | None = None
    among: tuple[str, ...] | None = None

    @property
    def forces_a_call(self) -> bool:
        """True when a model obeying this choice could never answer with text alone."""
        return self.mode in ("required", "named", "unknown")
