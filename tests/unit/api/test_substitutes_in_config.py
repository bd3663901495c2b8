from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.api.provider_tools import read_substitutes
from gateway.config import load_config
from gateway.errors import ConfigError
from tests.support.gateways import SECRET, write_files


def test_versions_are_left_out_and_a_type_that_nobody_has_is_a_mistake(tmp_path: Path):
    document = {
        "keys": {"a": {"secret": SECRET}},
        "mcpServers": {"web": {"url": "http://127.0.0.1:1/mcp"}},
        "provider_tools": {"web_search_20260318": "web/search", "web_serch": "web/search"},
    }
    config = load_config(write_files(tmp_path, document, {}))
    with pytest.raises(ConfigError) as caught:
        read_substitutes(config)
    (problem,) = caught.value.problems
    assert (problem.field, problem.hint) == ("provider_tools.web_serch", "there is web_search")
    assert problem.line
    right = replace(config, provider_tools={"web_search_20260318": "web/search", "file_search": "web/find"})
    assert read_substitutes(right) == {"web_search": "web/search", "file_search": "web/find"}
