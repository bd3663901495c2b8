"""Mistakes in what providers are made of: each with its file, line and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.building.router import build_router
from gateway.config import load_config
from gateway.errors import ConfigError
from gateway.providers import HttpClients

MISTAKES = [
    ("{base_url: 'http://h/', dialect: nope}", "providers.p.dialect", "no dialect is called"),
    ("{base_url: 'http://h/', quirks: [nope]}", "providers.p.quirks", "no quirk is called"),
    ("{base_url: 'http://h/', ca_certificates: none.pem}", "providers.p.ca_certificates", ""),
    ("{base_url: 'http://h/', auth: {aws: {}}}", "providers.p.auth", "region"),
    ("{kind: nobody}", "providers.p.kind", "not in toolgate's table"),
    ("{kind: openai}", "providers.p.kind", "set api_key"),
    ("{}", "providers.p", "not in toolgate's table"),
]


@pytest.mark.parametrize(("written", "field", "said"), MISTAKES)
async def test_a_provider_that_cannot_be_made_is_told_of_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, field: str, said: str
):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "gateway.yaml"
    path.write_text(f"version: 1\nkeys: {{a: {{secret: agent-secret-0123456789}}}}\nproviders:\n  p: {written}\n")
    (tmp_path / "none.pem").write_text("none")
    clients = HttpClients()
    try:
        with pytest.raises(ConfigError) as caught:
            build_router(load_config(path), clients)
    finally:
        await clients.aclose()
    (problem,) = caught.value.problems
    assert (Path(problem.file).name, problem.line, problem.field) == ("gateway.yaml", 4, field)
    assert said in problem.message
