"""An extra that is not installed is named, with what would help."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.building.router import build_router
from gateway.config import load_config
from gateway.errors import ConfigError
from gateway.providers import HttpClients
from gateway.providers.litellm_bridge import client as bridge

CONFIG = """\
version: 1
providers:
  litellm: {env: {WATSONX_APIKEY: secret-of-watsonx}}
keys: {agent: {secret: agent-secret-0123456789}}
"""


async def test_without_the_extra_the_configuration_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "gateway.yaml"
    path.write_text(CONFIG)
    monkeypatch.setattr(bridge.importlib.util, "find_spec", lambda name: None)
    config = load_config(path)
    assert "secret-of-watsonx" in config.secrets
    assert "secret-of-watsonx" not in repr(config)
    with pytest.raises(ConfigError) as refused:
        build_router(config, HttpClients())
    (problem,) = refused.value.problems
    assert (problem.field, problem.line) == ("providers.litellm", 3)
    assert "toolgate[litellm]" in problem.message
