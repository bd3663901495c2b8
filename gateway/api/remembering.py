"""What of a request's history is looked up, and what of its run is kept.

Above: `model_endpoint` and `loop_run`. Below: the memory of the tool loop. There is one lookup for a request, and
none where nothing can have been kept: for a key that is not remembered, and for one without tools that passes
through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import anyio

from gateway.api.model_inquiry import Inquiry
from gateway.api.model_request import read_model_request
from gateway.api.services import Services
from gateway.conversation.served import spelled_out
from gateway.errors import InvalidRequest
from gateway.routing.families import is_of_one_family
from gateway.tool_loop import (
    Finish,
    Recalled,
    ToolLoop,
    added_by,
    added_until_broken_off,
    declaring,
    is_known_to_client,
    words_of,
)


async def recall(headers: Mapping[str, str], services: Services, inquiry: Inquiry) -> Recalled:
    """The request, with our tools added and our part of earlier turns put back. Raises InvalidRequest."""
    given = read_model_request(headers, inquiry)
    principal = inquiry.principal
    recalled = Recalled(given, given)
    if principal.remembers:
        calls_only = principal.tools == "off" and is_of_one_family(inquiry.route, inquiry.dialect.name)
        by_ids = inquiry.dialect.traits.keeps_call_ids
        recalled = await services.memory.recall(principal.owner, given, calls_only=calls_only, by_ids=by_ids)
    return _spelled_out(recalled, inquiry)


def _spelled_out(recalled: Recalled, inquiry: Inquiry) -> Recalled:
    """With the calls that the client was shown, and of which nothing is remembered, as the model knows them."""
    request = recalled.request
    messages = spelled_out(request.messages, inquiry.brought.name_of)
    if messages == request.messages:
        return recalled
    spelled = replace(request, messages=messages)
    return replace(recalled, request=spelled if spelled.tools else declaring(spelled))


async def recall_if_kept(headers: Mapping[str, str], services: Services, inquiry: Inquiry) -> Recalled | None:
    """The same for a request that could pass as it is: None when nothing is to be put back.

    Then what may be wrong with it is left to its provider to say.
    """
    principal = inquiry.principal
    if not principal.remembers or principal.tools == "off" or not principal.policies:
        return None
    if inquiry.dialect.traits.turn_mark not in inquiry.body:
        return None
    try:
        recalled = await recall(headers, services, inquiry)
    except InvalidRequest:
        return None
    return recalled if recalled.put_back and recalled.given.n == 1 else None


async def keep_broken_off(
    services: Services, inquiry: Inquiry, recalled: Recalled, loop: ToolLoop, told: Sequence[str]
) -> None:
    """When a stream broke off before its end: its client may go on with the part of the answer that it has."""
    transcript = loop.machine.transcript
    if loop.finish is not None or not transcript or not told:
        return
    with anyio.CancelScope(shield=True):  # the memory has a deadline of its own
        await services.memory.keep_broken_off(
            inquiry.principal.owner,
            recalled,
            told="".join(told),
            added=added_until_broken_off(transcript, loop.results_so_far),
        )


async def keep(services: Services, inquiry: Inquiry, recalled: Recalled, loop: ToolLoop, finish: Finish) -> None:
    """Before the client can come back: keep what it will not know of this turn."""
    dialect, last = inquiry.dialect, finish.last
    came_from = last.source.dialect if last.source is not None else ""
    added = added_by(loop.machine.transcript, finish)
    keeps_all = dialect.traits.keeps_proofs and came_from == dialect.name
    origin_matters = not is_of_one_family(inquiry.route, dialect.name)
    is_known = is_known_to_client(added, finish, keeps_all=keeps_all, origin_matters=origin_matters)
    if recalled.conversation is None or is_known:
        return
    with anyio.CancelScope(shield=True):  # the client has been told all of it, and may leave at any moment
        await services.memory.keep(
            inquiry.principal.owner,
            recalled,
            text=words_of(loop.told_parts(finish)),
            calls=finish.client_calls,
            added=added,
        )
