"""What an API answers becomes a result: of its own kind, within bounds, without the operator's credentials."""

from __future__ import annotations

import base64

import pytest

from gateway.hub.openapi.answers import Answer, Secrets, read_answer, secrets_in

NO_SECRETS = Secrets(())
OUTPUT = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def read(
    body: bytes | None = b"", kind: str = "", status: int = 200, output=None, secrets=NO_SECRETS, **headers: str
):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = Answer(status, {**named, **({"content-type": kind} if kind else {})}, body, 100)
    return read_answer(answer, output, secrets)


def text_of(result) -> str:
    return "\n".join(block["text"] for block in result["content"])


def test_an_object_is_structured_and_text():
    result = read(b'{"a": 1}', "application/problem+json; charset=utf-8")
    assert result == {
        "content": [{"type": "text", "text": '{"a": 1}'}],
        "isError": False,
        "structuredContent": {"a": 1},
    }
    assert "structuredContent" not in read(b"[1]", "application/json")
    assert text_of(read(b"{oops", "application/json")) == "{oops"


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (b"h\xc3\xa9", "text/plain", "hé"),
        (b"h\xe9", "text/plain; charset=iso-8859-1", "hé"),
        (b"h\xe9", 'text/csv; charset="ISO-8859-1"', "hé"),
        (b"a", "text/plain; charset=punycode", "a"),
        (b"a", "text/plain; charset=iso-8859-12", "a"),
        (b"\xef\xbb\xbfa", "application/xml", "a"),
        (b"a", "", "a"),
    ],
)
def test_text_is_text_in_its_own_characters(body, kind, text):
    result = read(body, kind)
    assert (text_of(result), result["isError"]) == (text, False)


def test_images_and_sounds_are_passed_on_and_other_things_are_resources():
    data = base64.b64encode(b"\x89PNG").decode()
    assert read(b"\x89PNG", "image/png")["content"] == [{"type": "image", "data": data, "mimeType": "image/png"}]
    assert read(b"\x89PNG", "audio/wav")["content"][0]["type"] == "audio"
    for kind in ("application/pdf", "video/mp4"):
        result = read(b"\x89PNG", kind)
        assert not result["isError"]
        (block,) = result["content"]
        assert block == {"type": "resource", "resource": {"uri": "openapi:answer", "mimeType": kind, "blob": data}}
    assert read(b"\xff\0", "")["content"][0]["resource"]["mimeType"] == "application/octet-stream"
    assert text_of(read(b"<svg/>", "image/svg+xml")) == "<svg/>"


@pytest.mark.parametrize("kind", ["image/png", "application/zip"])
def test_what_is_no_text_and_too_large_is_told(kind):
    result = read(b"\xff" * (4 * 1024 * 1024 + 1), kind)
    assert result["isError"]
    assert f"{kind} of 4194305 bytes, more than 4194304, which cannot be shown" in text_of(result)


def test_no_body_is_told_with_what_headers_say():
    assert text_of(read(status=204)) == "HTTP 204 No Content"
    assert text_of(read(status=201, location="/pets/7")) == "HTTP 201 Created\nlocation: /pets/7"


def test_what_is_too_large_compressed_or_elsewhere_is_an_error():
    assert "more than 100 bytes" in text_of(read(None))
    assert "compressed (gzip)" in text_of(read(b"\x1f\x8b", "application/json", content_encoding="gzip"))
    moved = read(b"", status=302, location="https://evil.example.com/?token=1")
    assert moved["isError"]
    assert "evil" not in text_of(moved)


def test_a_refusal_has_the_beginning_of_what_the_api_says():
    result = read(b'{"detail": "no such pet"}', "application/json", 404)
    assert (result["isError"], text_of(result)) == (True, 'HTTP 404 Not Found\n{"detail": "no such pet"}')
    assert (
        text_of(read(b"later", "text/plain", 429, retry_after="7"))
        == "HTTP 429 Too Many Requests\nretry-after: 7\nlater"
    )
    assert len(text_of(read(b"x" * 50_000, "text/plain", 500))) < 4100
    assert text_of(read(b"\0\1", "application/octet-stream", 599)) == "HTTP 599"


def test_credentials_are_hidden_wherever_an_api_repeats_them():
    secrets = secrets_in(
        [("Authorization", "Bearer s3cret-1"), ("X-Version", "2024-01-01"), ("sig", "abcdefgh"), ("key", "ab")]
    )
    for status in (200, 400):
        text = text_of(
            read(b"s3cret-1 Bearer s3cret-1 2024-01-01 abcdefgh ab", "text/plain", status, secrets=secrets)
        )
        assert text.endswith("[hidden] [hidden] 2024-01-01 [hidden] ab")
    assert read(b'{"a": "s3cret-1"}', "application/json", secrets=secrets)["structuredContent"] == {
        "a": "[hidden]"
    }
    assert "s3cret" not in text_of(read(status=201, location="/?t=s3cret-1", secrets=secrets))
    assert "s3cret" not in repr(secrets)
    cut = text_of(read(b"x" * 3997 + b"s3cret-1", "text/plain", 500, secrets=secrets))
    assert "s3c" not in cut


def test_an_answer_that_breaks_the_promise_is_an_error_with_the_answer():
    assert read(b'{"name": "Tom"}', "application/json", output=OUTPUT)["structuredContent"] == {"name": "Tom"}
    for body in (b'{"name": null}', b"[]", b"oops"):
        result = read(body, "application/json", output=OUTPUT)
        assert result["isError"]
        assert "structuredContent" not in result
        assert text_of(result).startswith(body.decode())
        assert "not of the form" in text_of(result)
    assert read(b"", output=OUTPUT)["isError"]


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    "repeated", [rb"Bearer aa\/bb+cc==", rb"aa\u002fbb\u002Bcc\u003d\u003d", rb"q\"Bearer \u0061a/bb+cc=="]
)
def test_credentials_are_hidden_where_json_has_them_with_escapes(status, repeated):
    secrets = secrets_in([("Authorization", "Bearer aa/bb+cc==")])
    result = read(b'{"n": "a\\nb", "h": "' + repeated + b'"}', "application/json", status, secrets=secrets)
    assert "[hidden]" in text_of(result)
    assert "bb" not in str(result)
    assert r'"a\nb"' in text_of(result)


@pytest.mark.parametrize("kind", ["application/x-echo", "image/png"])
def test_credentials_are_hidden_in_what_is_no_text(kind):
    (block,) = read(b"\0s3cret-1\xff", kind, secrets=secrets_in([("X-Key", "s3cret-1")]))["content"]
    assert base64.b64decode(block.get("data") or block["resource"]["blob"]) == b"\0[hidden]\xff"


@pytest.mark.parametrize("piece", ['"\\', '\\"', '"\\\\', '\\a"'])
def test_an_answer_that_is_nothing_but_quotes_and_escapes_is_looked_through_once(piece):
    """Were it looked through from each of them to the end, this would take minutes."""
    secrets = secrets_in([("X-Key", "s3cret-1")])
    text = piece * 200_000
    assert secrets.hide(text) == text
