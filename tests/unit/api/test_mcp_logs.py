"""Log messages of a call on their way to its client: by level, in form, and bounded."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.api.mcp.logs import CallLog, log_listener, read_level
from gateway.api.mcp.wire import Refusal


def heard(level: str, *messages: dict[str, Any], server: str | None = None) -> list[Any]:
    told: list[Any] = []
    log = CallLog(level, lambda message: told.append(orjson.loads(message)), server)
    for message in messages:
        log.take(message)
    assert all(one["method"] == "notifications/message" for one in told)
    return [one["params"] for one in told]


def test_what_is_less_important_than_wanted_is_left_out():
    messages = [{"level": level, "data": level} for level in ("debug", "info", "error", "emergency")]
    assert [one["data"] for one in heard("info", *messages)] == ["info", "error", "emergency"]
    assert [one["data"] for one in heard("emergency", *messages)] == ["emergency"]


@pytest.mark.parametrize("level", [None, 7, "loud", ["info"], {}])
def test_a_message_without_a_level_is_left_out(level: object):
    assert heard("debug", {"level": level, "data": "a"}) == []


def test_data_passes_as_it_is_and_what_belongs_to_no_log_message_does_not():
    message = {"level": "info", "data": {"a": [1, None]}, "logger": "db", "_meta": {"x": 1}, "other": 1}
    assert heard("info", message) == [{"level": "info", "data": {"a": [1, None]}, "logger": "db"}]
    assert heard("info", {"level": "info", "logger": 7}) == [{"level": "info", "data": None}]


def test_where_servers_stand_side_by_side_the_logger_names_one():
    assert heard("info", {"level": "info", "data": 1, "logger": "db"}, server="files")[0]["logger"] == "files/db"
    assert heard("info", {"level": "info", "data": 1}, server="files")[0]["logger"] == "files"
    assert len(heard("info", {"level": "info", "data": 1, "logger": "x" * 9000})[0]["logger"]) == 200


def test_a_server_that_logs_without_end_is_heard_for_a_while():
    assert len(heard("info", *[{"level": "info", "data": 1}] * 2000)) == 1000
    large = {"level": "info", "data": "x" * 60_000}
    assert len(heard("info", *[large] * 30)) == 17
    assert heard("info", {"level": "info", "data": "x" * 70_000}) == []
    deep: list[Any] = []
    for _ in range(400):
        deep = [deep]
    assert heard("info", {"level": "info", "data": deep}) == []


def test_a_client_that_wants_no_log_has_no_listener():
    assert log_listener(None, lambda message: None, None) is None
    assert log_listener("info", lambda message: None, None) is not None


@pytest.mark.parametrize("level", [None, "", "loud", "INFO", 7, ["info"]])
def test_a_level_that_there_is_not_is_refused(level: object):
    with pytest.raises(Refusal) as error:
        read_level(level)
    assert error.value.code == -32602
