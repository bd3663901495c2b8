"""The schema for editors: accepts what we accept, and finds most of what we find."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from gateway.config import config_schema
from tests.unit.config.folders import EXAMPLE
from tool_policies import load_yaml

SCHEMA = config_schema()


def _errors(text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    document: Any = load_yaml(text).value
    return [error.message for error in validator.iter_errors(document)]


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_example_fits_as_written():
    assert _errors(EXAMPLE) == []


@pytest.mark.parametrize(
    "text",
    [
        "listen: {port: '${PORT:-8484}'}",
        "limits: {rounds: '${ROUNDS}', wall_clock_seconds: '${T}', body_bytes: 1024}",
        "keys: {a: {secret: x, tools: '${TOOLS:-auto}'}}",
        "models: {a: x, b: [x, {provider: y}], c: {provider: z, model: m}}",
        "mcpServers: {a: {command: x, alwaysAllow: [y], icon: z, timeout: 5000, disabled: '${OFF:-false}'}}",
        "mcpServers: {a: {command: x, sandbox: {memory: 512m, disk: 67108864, cpus: 0.5, backend: docker}}}",
        "mcpServers: {a: {type: streamable-http, serverUrl: 'https://h/mcp'}}",
    ],
)
def test_what_we_accept_fits(text: str):
    assert _errors(f"version: 1\n{text}") == []


@pytest.mark.parametrize(
    "text",
    [
        "version: 2",
        "version: 1\nmcp_servers: {}",
        "version: 1\nlisten: {port: 70000}",
        "version: 1\nlisten: {port: many}",
        "version: 1\nlimits: {rounds: 0}",
        "version: 1\nkeys: {a: {}}",
        "version: 1\nkeys: {a: {secret: x, tools: always}}",
        "version: 1\nmcpServers: {a: {comand: x}}",
        "version: 1\nmcpServers: {a: {command: x, sandbox: {network: host}}}",
        "version: 1\nmodels: {a: [{model: x}]}",
        "listen: {}",
    ],
)
def test_what_we_refuse_does_not(text: str):
    assert _errors(text)


def test_every_setting_is_described():
    undescribed = [
        f"{name}.{key}"
        for name, definition in SCHEMA["$defs"].items()
        for key, setting in definition["properties"].items()
        if setting is not True and "description" not in setting and "$ref" not in setting
    ]
    undescribed += [
        key for key, setting in SCHEMA["properties"].items() if not {"description", "$ref"} & set(setting)
    ]
    assert undescribed == []
