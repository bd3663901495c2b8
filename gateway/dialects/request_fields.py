"""What is checked of a client's request in every format: refusals name the field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from gateway.dialects.json_values import list_or_empty
from gateway.errors import InvalidRequest

Read = TypeVar("Read")


def refuse_field(where: str, what: str) -> NoReturn:
    """Raise InvalidRequest: the field `where` is not as it must be."""
    raise InvalidRequest(f"{where} {what}", param=where)


def read_flag(value: Any, where: str) -> bool:
    """True or false; false where it is not said. Raises InvalidRequest."""
    if value is not None and not isinstance(value, bool):
        refuse_field(where, "must be true or false")
    return bool(value)


def read_stop(value: Any) -> tuple[str, ...]:
    """The texts that end an answer: one, or a list."""
    if isinstance(value, str):
        return (value,)
    return tuple(text for text in list_or_empty(value) if isinstance(text, str))


def read_messages(value: Any, read: Callable[[Any, str], Read]) -> tuple[Read, ...]:
    """A list of messages, each read by `read`, which is told where it stands. Raises InvalidRequest."""
    if not isinstance(value, list) or not value:
        refuse_field("messages", "must be a list of at least one message")
    return tuple(read(raw, f"messages[{index}]") for index, raw in enumerate(list_or_empty(value)))


def read_tools(value: Any, read: Callable[[Any, str], Read]) -> tuple[Read, ...]:
    """A list of tools, or none, likewise. Raises InvalidRequest."""
    if value is not None and not isinstance(value, list):
        refuse_field("tools", "must be a list")
    return tuple(read(raw, f"tools[{index}]") for index, raw in enumerate(list_or_empty(value)))
