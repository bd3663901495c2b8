"""A client that leaves, and one that stays without taking anything."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from gateway.api import client_leaving as leaving_module
from gateway.api.client_leaving import BrokenOffWhenClientLeaves, CancelledWhenClientLeaves
from gateway.api.requests import ClientLeft

from .asgi import Client

BOTH_WAYS = pytest.mark.parametrize("watched", [CancelledWhenClientLeaves, BrokenOffWhenClientLeaves])


async def test_what_runs_is_cancelled_once_the_client_leaves():
    client = Client()
    client.left.set()
    with anyio.fail_after(60), pytest.raises(ClientLeft), CancelledWhenClientLeaves(client.request()):
        await anyio.sleep_forever()


@BOTH_WAYS
async def test_a_client_that_leaves_once_its_answer_is_complete_has_not_left(watched: Any):
    client = Client()
    request = client.request()
    answer = client.answer(request)
    with watched(request, answer):
        await anyio.sleep(2 * leaving_module._AT_ONCE)  # until the client is watched
        await answer.begin(200, {})
        await answer.write(b"", more=False)
        client.left.set()
        await anyio.sleep(0.01)
    assert client.is_complete


async def test_a_client_that_stays_disturbs_nothing():
    with CancelledWhenClientLeaves(Client().request()):
        await anyio.sleep(2 * leaving_module._AT_ONCE)


async def test_an_exception_within_comes_out_as_it_is():
    with pytest.raises(ZeroDivisionError), CancelledWhenClientLeaves(Client().request()):
        raise ZeroDivisionError


async def test_a_cancellation_from_outside_is_no_leaving():
    with anyio.move_on_after(0.01) as scope:
        with CancelledWhenClientLeaves(Client().request()):
            await anyio.sleep_forever()
    assert scope.cancelled_caught


async def test_a_server_that_fails_to_say_whether_the_client_is_there_counts_as_gone():
    client = Client()
    request = client.request()

    async def broken() -> object:
        raise RuntimeError("no connection")

    request.receive = broken  # pyright: ignore
    with anyio.fail_after(60), pytest.raises(ClientLeft), CancelledWhenClientLeaves(request):
        await anyio.sleep_forever()


@BOTH_WAYS
async def test_a_client_that_takes_nothing_for_too_long_counts_as_gone(
    watched: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(leaving_module, "_PATIENCE", 0.05)
    monkeypatch.setattr(leaving_module, "_LOOKING", 0.01)
    client = Client(takes=anyio.Event())
    request = client.request()
    answer = client.answer(request)
    await answer.begin(200, {})
    with anyio.fail_after(60), pytest.raises(ClientLeft), watched(request, answer):
        await answer.write(b"nobody takes this")


async def test_a_model_that_is_silent_for_long_is_not_the_clients_fault(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(leaving_module, "_PATIENCE", 0.01)
    monkeypatch.setattr(leaving_module, "_LOOKING", 0.01)
    client = Client()
    request = client.request()
    answer = client.answer(request)
    with CancelledWhenClientLeaves(request, answer):
        await answer.begin(200, {})
        await answer.write(b"one")
        await anyio.sleep(0.15)
        await answer.write(b"two", more=False)
    assert client.body == b"onetwo"
