from __future__ import annotations

import pytest

from gateway.hub.sources import source_of_url


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://Tools.Example/mcp", "https://tools.example/mcp"),
        ("https://me:hunter2@tools.example:8443/mcp#part", "https://tools.example:8443/mcp"),
        ("http://[::1]:9/mcp", "http://[::1]:9/mcp"),
        ("https://tools.example/mcp?key=hunter2&team=", "https://tools.example/mcp?key=...&team=..."),
        ("https://tools.example/s/ZGVhZGJlZWY5MDAxMjM0NTY3OA/mcp", "https://tools.example/s/.../mcp"),
        ("https://tools.example/" + "abcdefghij" * 5, "https://tools.example/..."),
        ("https://tools.example/model-context-protocol/v2", "https://tools.example/model-context-protocol/v2"),
    ],
)
def test_a_url_is_told_without_what_may_be_a_credential(url, told):
    assert source_of_url(url).asked == told


def test_another_host_port_path_or_issuer_is_another_source():
    urls = ["https://a.example/mcp", "https://b.example/mcp", "https://a.example:444/mcp", "https://a.example/sse"]
    sources = {source_of_url(url) for url in urls} | {source_of_url(urls[0], "https://login.example")}
    assert len(sources) == 5
