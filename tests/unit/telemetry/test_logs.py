"""Log lines as they reach standard error."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry.logs import JsonLines, Lines, Redactor, configure_logging

SECRET = "sk-0123456789"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def logging_restored() -> Generator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def record(message: str, *args: object, level: int = logging.INFO, exc_info: object = None) -> logging.LogRecord:
    return logging.LogRecord("gateway.test", level, "file.py", 1, message, args, exc_info)  # pyright: ignore


def raised(error: Exception) -> object:
    try:
        raise error
    except type(error):
        return sys.exc_info()


def test_a_line_has_time_level_and_message():
    time, level, message = Lines().format(record("%d servers", 3)).split(" ", 2)
    assert len(time) == 8
    assert (level, message) == ("info", "3 servers")


def test_a_json_line_says_all_of_it_apart():
    line = JsonLines().format(record("three\nlines\n", level=logging.ERROR))
    assert "\n" not in line
    fields = json.loads(line)
    assert fields.pop("ts").endswith("+00:00")
    assert fields == {"level": "error", "logger": "gateway.test", "message": "three\nlines\n"}


@pytest.mark.parametrize("form", [Lines, JsonLines])
def test_secrets_are_redacted_in_messages_arguments_and_tracebacks(form: type[Lines] | type[JsonLines]):
    exc_info = raised(ValueError(f"no good: {SECRET}"))
    line = form([SECRET]).format(record("key %s", SECRET, exc_info=exc_info))
    assert SECRET not in line
    assert line.count("[redacted]") >= 2
    assert "ValueError: no good" in line


@pytest.mark.parametrize(
    "shown",
    [
        'sk-"quoted\\"\n/é',
        "sk-%22quoted%5C%22%0A%2F%C3%A9",
        repr('sk-"quoted\\"\n/é'),
        json.dumps('sk-"quoted\\"\n/é'),
    ],
)
def test_a_secret_is_redacted_as_it_stands_in_urls_json_and_python(shown: str):
    cleaned = Redactor(['sk-"quoted\\"\n/é']).clean(f"before {shown} after")
    assert "quoted" not in cleaned
    assert cleaned.startswith("before ")
    assert cleaned.endswith(" after")


def test_the_longer_of_two_secrets_is_redacted_whole():
    assert Redactor(["secret-1", "secret-123"]).clean("x secret-123 y") == "x [redacted] y"


def test_a_text_as_short_as_a_word_is_no_secret():
    assert Redactor(["info"]).clean("info: all is well") == "info: all is well"


@given(st.text(st.characters()), st.text(st.sampled_from("abcdefgh-_\"'\\\n /%é"), min_size=8))
def test_a_secret_never_comes_through(around: str, secret: str):
    assert secret not in Redactor([secret]).clean(around + secret + around).replace("[redacted]", "")


@given(st.text(st.characters()))
def test_whatever_is_logged_is_one_json_line_of_utf_8(message: str):
    line = JsonLines().format(record("%s", message))
    line.encode()
    assert len(line.split("\n")) == 1
    assert isinstance(json.loads(line)["message"], str)


@given(st.text(st.characters()))
def test_no_control_character_reaches_a_terminal(message: str):
    line = Lines().format(record("%s", message))
    assert not {character for character in line if character < " " and character not in "\n\r\t"}
    assert "\x7f" not in line
    assert "\x9b" not in line


def test_no_message_can_pass_for_another_record():
    forged = "nothing\n12:00:00 error the gateway was broken into"
    lines = Lines().format(record("user agent: %s", forged)).split("\n")
    assert lines[1].startswith("  ")
    assert len(lines) == 2


def lines_logged(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, **options: object) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging(**{"level": "info", "json": False, **options})  # pyright: ignore
    logging.getLogger("gateway.x").warning("careful %s", SECRET)
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("uvicorn.access").info("GET / 200")
    logging.getLogger("httpx2").info("HTTP Request: GET")
    logging.getLogger("gateway.x").debug("too much")
    return stream.getvalue()


@pytest.mark.usefixtures("logging_restored")
def test_other_libraries_are_quiet_below_a_warning(monkeypatch: pytest.MonkeyPatch):
    said = lines_logged(io.StringIO(), monkeypatch, secrets=[SECRET])
    assert said.count("\n") == 1
    assert said.endswith("warning careful [redacted]\n")


@pytest.mark.usefixtures("logging_restored")
@pytest.mark.parametrize(
    ("environ", "stream", "coloured"),
    [
        ({}, Terminal, True),
        ({}, io.StringIO, False),
        ({"NO_COLOR": "1"}, Terminal, False),
        ({"NO_COLOR": ""}, Terminal, True),
        ({"FORCE_COLOR": "1"}, io.StringIO, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, io.StringIO, False),
    ],
)
def test_colour_is_for_terminals_and_for_those_who_want_it(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], stream: type[io.StringIO], coloured: bool
):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[33mwarning\x1b[0m" in lines_logged(stream(), monkeypatch)) is coloured


@pytest.mark.usefixtures("logging_restored")
def test_json_lines_have_no_colour(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    said = lines_logged(Terminal(), monkeypatch, json=True)
    assert json.loads(said)["message"] == f"careful {SECRET}"


@pytest.mark.usefixtures("logging_restored")
@pytest.mark.parametrize("color", [True, False])
def test_colour_can_be_insisted_on(monkeypatch: pytest.MonkeyPatch, color: bool):
    stream = io.StringIO() if color else Terminal()
    assert ("\x1b[33mwarning" in lines_logged(stream, monkeypatch, color=color)) is color


@pytest.mark.usefixtures("logging_restored")
@pytest.mark.parametrize("name", ["uvicorn", "uvicorn.error", "aiohttp.access", "aiohttp.client", "docker"])
@pytest.mark.parametrize("json", [True, False])
def test_what_libraries_log_is_redacted_too_whatever_handlers_they_came_with(
    monkeypatch: pytest.MonkeyPatch, name: str, json: bool
):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    own = logging.StreamHandler(stream)
    if name != "aiohttp.client":  # which comes without any
        logging.getLogger(name).addHandler(own)
    configure_logging(level="info", json=json, secrets=[SECRET])
    try:
        raise ConnectionError(f"401 for Bearer {SECRET}")
    except ConnectionError:
        logging.getLogger(name).exception("with %s", SECRET)
    assert "401 for Bearer [redacted]" in stream.getvalue()
    assert SECRET not in stream.getvalue()
    assert own not in logging.getLogger(name).handlers


@pytest.mark.usefixtures("logging_restored")
def test_a_mistake_in_a_log_call_is_told_without_its_arguments(monkeypatch: pytest.MonkeyPatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging(level="info", json=False, secrets=[SECRET])
    logging.getLogger("gateway.x").warning("one %s, two %s", SECRET)  # noqa: PLE1206 - the mistake
    assert stream.getvalue().endswith("one %s, two %s (its arguments do not fit: TypeError)\n")


@pytest.mark.usefixtures("logging_restored")
def test_a_standard_error_that_is_gone_stops_nobody(monkeypatch: pytest.MonkeyPatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging(level="info", json=False)
    stream.close()
    logging.getLogger("gateway.x").warning("unheard")


def test_a_message_without_end_is_cut_after_secrets_were_taken_out():
    line = Redactor([SECRET]).clean("x" * 99_995 + SECRET + "y" * 50)
    assert line == "x" * 99_995 + "[reda… (100055 characters)"


@pytest.mark.usefixtures("logging_restored")
def test_to_configure_again_replaces_what_was_there(monkeypatch: pytest.MonkeyPatch):
    lines_logged(io.StringIO(), monkeypatch)
    assert lines_logged(io.StringIO(), monkeypatch).count("\n") == 1


@pytest.mark.usefixtures("logging_restored")
@pytest.mark.parametrize(
    ("text", "error", "is_told"),
    [
        (
            "Exception in callback <built-in method set_result of Future>",
            asyncio.InvalidStateError("invalid state"),
            False,
        ),
        ("Exception in callback <built-in method set_result of Future>", ValueError("invalid"), True),
        ("Exception in callback on_timer", asyncio.InvalidStateError("invalid state"), True),
    ],
)
def test_a_lost_race_of_anyios_is_no_news(
    monkeypatch: pytest.MonkeyPatch, text: str, error: Exception, is_told: bool
):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging(level="info", json=False)
    logging.getLogger("asyncio").error(text, exc_info=error)
    assert ("Exception in callback" in stream.getvalue()) is is_told
