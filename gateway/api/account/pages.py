"""Pages of lists that begin with the newest, in the ways of OpenAI's and of Anthropic's clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.errors import InvalidRequest
from gateway.store import ProviderObject

Page = tuple[Sequence[ProviderObject], bool]
"""What is on it, and whether there is more in the direction that was asked for."""

_DIGITS = 6  # of a limit


def page_after(made: Sequence[ProviderObject], query: Mapping[str, str], *, usual: int, most: int) -> Page:
    """What follows the one that `after` names. Raises InvalidRequest."""
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise InvalidRequest("order must be asc or desc", param="order")
    ordered = made if order == "desc" else made[::-1]
    limit = _limit(query, usual, most)
    begin = 0 if (after := query.get("after")) is None else _place(ordered, after, "after") + 1
    return ordered[begin : begin + limit], begin + limit < len(ordered)


def page_around(made: Sequence[ProviderObject], query: Mapping[str, str], *, usual: int, most: int) -> Page:
    """What follows the one that `after_id` names, or what stands before that of `before_id`. Raises
    InvalidRequest.
    """
    limit = _limit(query, usual, most)
    if (before := query.get("before_id")) is not None:
        end = _place(made, before, "before_id")
        return made[max(0, end - limit) : end], end > limit
    begin = 0 if (after := query.get("after_id")) is None else _place(made, after, "after_id") + 1
    return made[begin : begin + limit], begin + limit < len(made)


def _limit(query: Mapping[str, str], usual: int, most: int) -> int:
    limit = query.get("limit", str(usual))
    if not limit.isascii() or not limit.isdigit() or len(limit) > _DIGITS or not 1 <= int(limit) <= most:
        raise InvalidRequest(f"limit must be a whole number from 1 to {most}", param="limit")
    return int(limit)


def _place(made: Sequence[ProviderObject], object_id: str, param: str) -> int:
    for place, one in enumerate(made):
        if one.object_id == object_id:
            return place
    raise InvalidRequest(f"{param} must be the id of one of this list", param=param)
