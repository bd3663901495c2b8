"""`GET` and `DELETE /v1/responses/ID`, and `GET /v1/responses/ID/input_items`: what is stored for this key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from gateway.api.requests import Request
from gateway.api.responses import Response, json_response
from gateway.api.services import Services
from gateway.errors import InvalidRequest

PREFIX = "/v1/responses/"

_INPUT = "/input_items"
_MOST = 100  # items on one page


async def stored_response(request: Request, services: Services) -> Response:
    """Show or forget one. Raises NotFound for what is another key's in the words for what never was."""
    principal = await services.callers.identify(request.headers)
    wanted = request.path_after(PREFIX)
    query = _query(request)
    if request.scope["method"] == "DELETE":
        await services.stored.forget(principal.owner, wanted)
        return json_response({"id": wanted, "object": "response", "deleted": True})
    if wanted.endswith(_INPUT):
        stored = await services.stored.response(principal.owner, wanted.removesuffix(_INPUT))
        return json_response(_page(stored.input, query))
    if query.get("stream") == "true":
        message = "stream must be false: answers are stored whole"
        raise InvalidRequest(message, code="not_supported", param="stream")
    stored = await services.stored.response(principal.owner, wanted)
    return json_response(stored.response)


def _query(request: Request) -> Mapping[str, str]:
    try:
        given = parse_qs(request.scope["query_string"].decode("latin-1"), max_num_fields=20)
    except ValueError as error:
        raise InvalidRequest("the URL's query has too many fields", param="query") from error
    return {name: values[-1] for name, values in given.items()}


def _page(items: Sequence[Mapping[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """A page of OpenAI's lists: the newest first, unless asked otherwise."""
    order, limit, after = query.get("order", "desc"), _limit(query.get("limit", "20")), query.get("after")
    if order not in ("asc", "desc"):
        raise InvalidRequest("order must be asc or desc", param="order")
    ordered = list(items) if order == "asc" else list(reversed(items))
    ids = [item["id"] for item in ordered]
    if after is not None and after not in ids:
        raise InvalidRequest("after must be the id of an item of this list", param="after")
    begin = 0 if after is None else ids.index(after) + 1
    page = ordered[begin : begin + limit]
    ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {"first_id": None, "last_id": None}
    return {"object": "list", "data": page, "has_more": begin + limit < len(ordered), **ends}


def _limit(given: str) -> int:
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:4]) <= _MOST:
        raise InvalidRequest(f"limit must be a whole number from 1 to {_MOST}", param="limit")
    return int(given)
