"""From exceptions to what a client is told, and to what the log is told."""

from __future__ import annotations

import inspect
import logging
from typing import Any

import orjson
import pytest

from gateway import errors
from gateway.api.endpoint import Endpoint
from gateway.api.errors import ROWS, describe_error, error_response
from gateway.api.requests import ClientLeft
from gateway.api.services import HttpLimits
from gateway.telemetry import Metrics

from .asgi import Client

REFUSAL = errors.UpstreamAnswer(
    429,
    b'{"error": {"message": "Slow down.", "type": "rate", "code": "r1"}}',
    {
        "content-type": "application/json; charset=utf-8",
        "retry-after": "7",
        "x-ratelimit-remaining": "0",
        "set-cookie": "a=b",
        "connection": "keep-alive, x-internal",
        "x-internal": "1",
        "content-length": "9999",
        "x-request-id": "theirs",
    },
)
CLASSES = [
    cls
    for _, cls in inspect.getmembers(errors, inspect.isclass)
    if issubclass(cls, errors.ToolgateError) and not cls.__subclasses__()
]


def made(cls: type[errors.ToolgateError]) -> errors.ToolgateError:
    if cls is errors.ConfigError:
        return cls([errors.Problem("gateway.yaml", "SECRET")])  # pyright: ignore
    if issubclass(cls, errors.UpstreamRefused):
        return cls("SECRET", provider="p", answer=errors.UpstreamAnswer(400, b"theirs"))
    if issubclass(cls, errors.UpstreamError):
        return cls("the provider p failed", provider="p")
    if issubclass(cls, errors.ToolServerRefusal):
        return cls("the server s failed", server="s", code=-32602, reason="theirs")
    if issubclass(cls, errors.ToolServerError):
        return cls("the server s failed", server="s")
    return cls("SECRET" if cls is errors.StoreError else "what is wrong")


@pytest.mark.parametrize("cls", CLASSES)
def test_every_class_that_can_be_raised_is_an_error_of_http(cls: type[errors.ToolgateError]):
    assert cls in ROWS
    response = error_response(describe_error(made(cls), request_id="req_1"))
    assert 400 <= response.status <= 599
    if cls is not errors.UpstreamRefused:
        error = orjson.loads(response.body)["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert all(isinstance(error[name], str) and error[name] for name in ("message", "type", "code"))
    assert b"SECRET" not in response.body


@pytest.mark.parametrize("depth", [1, 3])
def test_what_task_groups_wrap_around_one_exception_is_taken_off(depth: int):
    error: Exception = errors.ModelNotFound("no such model", param="model")
    for _ in range(depth):
        error = ExceptionGroup("in a task group", [error])
    told = describe_error(error, request_id="req_1")
    assert (told.status, told.param) == (404, "model")


def test_several_failures_at_once_are_ours():
    told = describe_error(ExceptionGroup("", [ValueError(), errors.InvalidRequest("x")]), request_id="req_1")
    assert (told.status, told.code) == (500, "internal_error")


def test_a_providers_refusal_is_passed_on_without_what_belongs_to_its_connection():
    response = error_response(
        describe_error(errors.UpstreamRefused("x", provider="p", answer=REFUSAL), request_id="req_1")
    )
    assert (response.status, response.body) == (429, REFUSAL.body)
    assert response.content_type == "application/json; charset=utf-8"
    assert response.headers == {"retry-after": "7", "x-ratelimit-remaining": "0"}


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"error": 1}', b'{"error": null}', b'{"error": {}}', b'"x"', b"{}"]
)
def test_a_refusal_in_any_form_can_be_told_within_a_stream(body: bytes):
    answer = errors.UpstreamAnswer(503, body)
    told = describe_error(errors.UpstreamRefused("it refused", provider="p", answer=answer), request_id="req_1")
    assert told.body()["error"]["message"] == "it refused"
    assert told.outcome == "upstream_refused"


def test_retry_after_and_authentication_have_their_headers():
    full = error_response(describe_error(errors.Overloaded("full", retry_after=3), request_id="r"))
    unknown = error_response(describe_error(errors.AuthenticationFailed("who"), request_id="r"))
    assert (full.status, full.headers["retry-after"]) == (503, "3")
    assert unknown.headers["www-authenticate"] == "Bearer"


class Nothing:
    """Admits everybody, and gives what no handler here uses."""

    http_limits = HttpLimits(body_bytes=10)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        pass


async def serve(client: Client, error: BaseException, *, after: int = 0) -> str:
    """Serve a request whose handler fails, after so many pieces of a stream; the metrics."""
    metrics = Metrics()

    async def handler(request: Any, services: Any, answer: Any) -> None:
        if after:
            await answer.begin_events(lambda told: b"fault: " + told.code.encode())
            for _ in range(after):
                await answer.write(b"piece ")
        raise error

    scope = client.request([(b"x-request-id", b"my-id")]).scope
    await Endpoint("/x", handler, Nothing, metrics)(scope, client.receive, client.send)  # pyright: ignore
    return metrics.exposition({}, ()).decode()


async def test_what_nobody_foresaw_is_told_in_constant_words_and_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
):
    client = Client()
    counted = await serve(client, KeyError("secret detail"))
    assert client.status == 500
    assert b"secret" not in client.body
    assert b"my-id" in client.body
    assert client.headers["x-request-id"] == "my-id"
    (logged,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "my-id" in logged.getMessage()
    assert logged.exc_info is not None
    assert 'toolgate_requests_total{route="/x",status="500"} 1.0' in counted


async def test_a_database_that_fails_is_a_line_in_the_log_and_nothing_to_the_client(
    caplog: pytest.LogCaptureFixture,
):
    client = Client()
    await serve(client, errors.StoreError("the database /srv/t.db has no room left"))
    assert (client.status, client.headers["retry-after"]) == (503, "5")
    assert b"/srv" not in client.body
    (logged,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "/srv/t.db has no room left" in logged.getMessage()
    assert not logged.exc_info


async def test_an_error_of_the_clients_is_not_logged(caplog: pytest.LogCaptureFixture):
    client = Client()
    await serve(client, errors.InvalidRequest("a field"))
    assert client.status == 400
    assert caplog.records == []


async def test_after_the_first_byte_a_fault_is_told_in_the_stream_and_ends_it():
    client = Client()
    counted = await serve(client, errors.UpstreamTimeout("slow", provider="p"), after=2)
    assert client.status == 200
    assert client.body == b"piece piece fault: upstream_timeout"
    assert client.is_complete
    assert 'status="200"' in counted


async def test_to_a_client_that_left_nothing_is_said():
    client = Client()
    counted = await serve(client, ClientLeft())
    assert client.sent == []
    assert 'status="499"' in counted


async def test_headers_of_an_answer_can_hold_any_character_but_none_that_ends_a_line():
    client = Client()
    answer = client.answer()
    answer.headers["x-note"] = "snow ☃"
    await answer.begin(200, {"content-type": "text/plain"})
    assert dict(client.sent[0]["headers"])[b"x-note"] == b"snow ?"


async def test_a_fault_after_the_end_says_nothing_more():
    client = Client()
    answer = client.answer()
    await answer.begin_events(lambda told: b"fault")
    await answer.write(b"all of it", more=False)
    await answer.fail(ValueError("too late"))
    assert client.body == b"all of it"


@pytest.mark.parametrize("body", [b'{"error": "no such model"}', b'{"id": "1", "message": "no such model"}'])
def test_a_providers_words_are_found_in_every_form(body: bytes):
    answer = errors.UpstreamAnswer(404, body)
    told = describe_error(errors.UpstreamRefused("it refused", provider="p", answer=answer), request_id="req_1")
    assert told.message == "no such model"
