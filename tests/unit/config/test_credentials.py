"""What is taken for a credential, and what stays as it is."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gateway.config.importers.credentials import CredentialSorting


def sorted_out(**entry: Any) -> tuple[dict[str, Any], dict[str, str]]:
    sorting = CredentialSorting("srv", {"TAKEN_KEY": "another value"})
    changed = copy.deepcopy(entry)
    sorting.run(changed)
    return changed, sorting.secrets


@pytest.mark.parametrize(
    ("entry", "changed", "secrets"),
    [
        (
            {"env": {"DB": "postgres://u:pw@h/d"}},
            {"env": {"DB": "${DB}"}},
            {"DB": "postgres://u:pw@h/d"},
        ),
        ({"env": {"X": "sk-abcdef"}}, {"env": {"X": "${X}"}}, {"X": "sk-abcdef"}),
        (
            {"args": ["--db", "mongodb+srv://u:pw@h"]},
            {"args": ["--db", "${MCP_SRV_ARGUMENT}"]},
            {"MCP_SRV_ARGUMENT": "mongodb+srv://u:pw@h"},
        ),
        (
            {"url": "https://h/mcp/sk-abc/sse"},
            {"url": "https://h/mcp/${MCP_SRV_URL_TOKEN}/sse"},
            {"MCP_SRV_URL_TOKEN": "sk-abc"},
        ),
        (
            {"url": "https://h/s/0a1b2c3d4e5f60718293a4b5/mcp"},
            {"url": "https://h/s/${MCP_SRV_URL_TOKEN}/mcp"},
            {"MCP_SRV_URL_TOKEN": "0a1b2c3d4e5f60718293a4b5"},
        ),
        (
            {"auth": {"client_id": "id", "client_secret": "s", "token_url": "https://h/token"}},
            {
                "auth": {
                    "client_id": "id",
                    "client_secret": "${MCP_SRV_CLIENT_SECRET}",
                    "token_url": "https://h/token",
                }
            },
            {"MCP_SRV_CLIENT_SECRET": "s"},
        ),
        ({"env": {"TAKEN_KEY": "v"}}, {"env": {"TAKEN_KEY": "${MCP_SRV_TAKEN_KEY}"}}, {"MCP_SRV_TAKEN_KEY": "v"}),
    ],
)
def test_a_credential_becomes_a_variable(entry: dict[str, Any], changed: dict[str, Any], secrets: dict[str, str]):
    assert sorted_out(**entry) == (changed, secrets)


@pytest.mark.parametrize(
    "entry",
    [
        {"env": {"LEVEL": "debug", "API_KEY": "${API_KEY}", "EMPTY_TOKEN": ""}},
        {"args": ["-y", "@scope/package@2026.8.31", "/home/ada/notes", "sha256:0a1b2c3d4e5f60718293a4b5"]},
        {"url": "https://actions.example.com/mcp/v1/streamable?mode=read"},
        {"headers": {"X-Team": "platform", "Authorization": "Bearer ${TOKEN}"}},
    ],
)
def test_what_is_none_stays(entry: dict[str, Any]):
    assert sorted_out(**entry) == (entry, {})
