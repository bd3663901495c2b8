"""Whatever stands in the files, the outcome is a configuration or a list of problems."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Config, load_config
from gateway.config.client_fields import FOREIGN
from gateway.config.documents import KeyDocument, LimitsDocument, ProviderDocument
from gateway.config.mcp_documents import ConfigDocument, SandboxDocument, ServerDocument
from gateway.errors import ConfigError, Problem
from tests.unit.config.folders import ENVIRON, EXAMPLE, SECRET
from tool_policies import load_yaml

_REFERENCES = (
    "${A}",
    "${NOPE}",
    "${A:-1}",
    "${",
    "$${",
    "${file:x}",
    "${input:x}",
    "a:/b:rw",
    "http://h/",
    "512m",
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.just(10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8)
    | st.sampled_from([*_REFERENCES, "x", "auto", "stdio", "http", "openai", SECRET])
)
_MODELS = (ConfigDocument, ServerDocument, SandboxDocument, ProviderDocument, KeyDocument, LimitsDocument)
_SETTINGS = {field.alias or name for model in _MODELS for name, field in model.model_fields.items()}
settings = st.sampled_from(sorted(_SETTINGS | {"provider", "model", "idle", "port", "host", "openai"} | FOREIGN))
names = settings | st.text(st.characters(codec="utf-8"), max_size=6)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5), max_leaves=12
)
sections = st.sampled_from([field.alias or name for name, field in ConfigDocument.model_fields.items()])
documents = st.dictionaries(sections, values | st.dictionaries(names, values, max_size=3), max_size=6)


@given(documents)
def test_any_document_is_a_configuration_or_a_list_of_problems(document: dict[str, Any]):
    _outcome(json.dumps(document, ensure_ascii=False), "gateway.json")


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_a_configuration_or_a_list_of_problems(text: str):
    _outcome(text, "gateway.yaml")


@given(st.binary(max_size=60))
def test_any_bytes_are_a_configuration_or_a_list_of_problems(data: bytes):
    _outcome(data, "gateway.yaml")


@given(st.data())
def test_the_example_with_one_value_changed_is_one_or_the_other(data: st.DataObject):
    document: dict[str, Any] = load_yaml(EXAMPLE).value
    here: Any = document
    while True:
        key = data.draw(st.sampled_from(list(here) if isinstance(here, dict) else range(len(here))))
        if not here[key] or not isinstance(here[key], dict | list) or data.draw(st.booleans()):
            break
        here = here[key]
    here[key] = data.draw(values)
    _outcome(json.dumps(document, ensure_ascii=False), "gateway.json")


@given(st.dictionaries(st.sampled_from(["mcpServers", "servers", "inputs"]), values, max_size=3))
def test_any_clients_file_is_a_configuration_or_a_list_of_problems(document: dict[str, Any]):
    _outcome(json.dumps(document, ensure_ascii=False), "mcp.json", is_client=True)


def _outcome(text: str | bytes, name: str, *, is_client: bool = False) -> None:
    environ = ENVIRON | {"A": "1"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        problems: tuple[Problem, ...] = ()
        config: Config | None = None
        try:
            config = load_config(
                None if is_client else path, mcp_configs=[path] if is_client else [], environ=environ
            )
        except ConfigError as error:
            problems = error.problems
        assert (config is None) == bool(problems)
        assert all(problem.message and problem.file for problem in problems)
        assert config is None or is_client or config.keys
