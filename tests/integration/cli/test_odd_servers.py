"""`toolgate doctor` on servers that are wrong, each in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import pytest
import yaml

from gateway.cli.checkup.servers import judge
from gateway.config import StdioServerConfig
from gateway.hub import Hub, HubSettings, StdioServerSpec
from sandbox.spec import StdioServer
from tests.integration.hub.plain_launcher import PlainLauncher
from tests.support.odd import DOWN, SECRET, STUCK, UP, odd_server
from tests.support.shells import POLICIES, Ended, Shell

LAST_WORDS = {"silent": [], "garbage": ["I speak something else"], "floods": ["about to say a great deal"]}
PATIENCE = "15"  # seconds
SETTINGS = HubSettings(probe_head_start=0.2, connect_timeout=2.0)


def of_servers(ended: Ended) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in ended.json["findings"]:
        if one["area"] == "server" and "credentials" not in one["message"]:
            found.setdefault(one["subject"], []).append(one)
    return found


def test_each_is_told_of_with_its_reason_and_its_last_words_and_none_keeps_the_others_waiting(shell: Shell):
    document = {
        "version": 1,
        "listen": {"port": 0},
        "keys": {"agent-1": {"secret": "agent-secret-0123456789", "policies": ["readers"]}},
        "policy_files": ["policies.yaml"],
        "storage": {"state_dir": "state", "cache_dir": "cache"},
        "mcpServers": {way: odd_server(way) for way in (*DOWN, *UP, *STUCK)},
    }
    shell.write({"gateway.yaml": yaml.safe_dump(document), "policies.yaml": POLICIES})
    ended = shell.run("doctor", "--json", "--timeout", PATIENCE)
    assert ended.status == 1
    assert SECRET not in ended.out + ended.err
    found = of_servers(ended)
    for way, reason in DOWN.items():
        assert found[way][0]["state"] == "fail"
        assert reason in found[way][0]["message"]
    assert found["crashes"][0]["lines"] == ["cannot start without a license: [redacted]"]
    for way in UP:
        assert (found[way][0]["state"], found[way][0]["message"]) == ("ok", "ready, 1 tool, in host")
    assert found["broken-tool"][1]["message"].startswith("the tool broken is left out: ")
    for way in STUCK:
        assert found[way][0]["message"].startswith(f"not ready within {PATIENCE} s")
        assert found[way][0].get("lines", []) == LAST_WORDS[way]


@pytest.mark.parametrize("way", STUCK)
async def test_one_that_never_answers_is_down_after_the_deadline_with_what_to_do(way: str):
    entry = odd_server(way)
    server = StdioServer(way, entry["command"], tuple(entry["args"]))
    async with Hub([StdioServerSpec(way, server)], PlainLauncher(), settings=SETTINGS) as hub:
        with anyio.fail_after(60):
            await hub.settled()
        (status,) = hub.statuses()
    assert status.state == "down"
    (found,) = judge(status, StdioServerConfig(way, server))
    assert found.message.startswith("down: no answer")
    assert "run its command by hand" in str(found.hint)
    assert list(found.lines) == LAST_WORDS[way]
