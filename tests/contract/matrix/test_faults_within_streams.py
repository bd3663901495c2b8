"""A stream that fails behind any dialect ends as the client's dialect ends a stream that failed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gateway.providers.scripted import ScriptedUpstream, Turn
from tests.support.covering import CHAT
from tests.support.gateways import SECRET, InProcess

from .conftest import MODELS
from .surfaces import SURFACES

PLAIN = "plain-secret-0123456789"
TALK = "once upon a time there was a model that had a lot to say and never came to its end"
AFTER = 9  # events, by which every dialect has said something and none has said all
BROKEN: Mapping[str, Turn] = {
    "a cut": Turn(text=TALK, cut_after=AFTER),
    "an early end": Turn(text=TALK, end_after=AFTER),
    "nonsense": Turn(text=TALK, malformed_after=AFTER),
}


async def fault_told(gateway: InProcess, surface: str, provider: str, secret: str = SECRET) -> str:
    """The message at the end of a stream that had begun well."""
    asked = SURFACES[surface]
    path, body = asked.request(provider, stream=True)
    async with gateway.http(secret) as client:
        answer = await client.post(path, json=body)
    assert answer.status_code == 200
    assert b"once" in answer.content
    return asked.ending(answer.content)


@pytest.mark.parametrize("provider", list(MODELS))
@pytest.mark.parametrize("surface", list(SURFACES))
async def test_a_providers_error_is_the_clients_own_error_at_the_end(
    gateway: InProcess, upstream: ScriptedUpstream, surface: str, provider: str
):
    upstream.add(Turn(text=TALK, error_after=AFTER))
    assert await fault_told(gateway, surface, provider) == "the script says error"


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("provider", list(MODELS))
async def test_what_breaks_off_or_makes_no_sense_is_an_error(
    gateway: InProcess, upstream: ScriptedUpstream, provider: str, fault: str
):
    upstream.add(BROKEN[fault])
    assert provider in await fault_told(gateway, CHAT, provider)


@pytest.mark.parametrize("fault", ["a cut", "an early end"])
@pytest.mark.parametrize("dialect", list(SURFACES))
async def test_bytes_that_pass_through_and_break_off_end_in_an_error(
    gateway: InProcess, upstream: ScriptedUpstream, dialect: str, fault: str
):
    upstream.add(BROKEN[fault])
    assert dialect in await fault_told(gateway, dialect, dialect, PLAIN)
