"""A run that is taken up again after a reload: what holds then is the configuration of the day."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import openai
import pytest

from gateway.config import load_config
from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.support.gateways import audited, gateway_in_process, write_files

from .asking import SUM, whole

WRITE = Call("demo__write_note", {"name": "after", "text": "the reload"})


def document(upstream: ScriptedUpstream) -> dict[str, Any]:
    demo = {"command": sys.executable, "args": ["-m", "mcp_servers.demo"], "sandbox": {"backend": "host"}}
    return {
        "providers": {"script": {"dialect": "openai_chat", "base_url": upstream.base_url}},
        "mcpServers": {"demo": demo},
        "keys": {"agent": {"secret": "test-secret-0123456789", "policies": ["all"]}},
    }


@pytest.mark.parametrize(
    ("denied", "ended"), [([], ("write_note", "ok")), (["demo/write_note"], (None, "unknown_tool"))]
)
async def test_a_retry_is_judged_by_the_policy_that_holds_by_then(
    upstream: ScriptedUpstream, tmp_path: Path, denied: list[str], ended: tuple[str | None, str]
):
    headers = {"idempotency-key": "across a reload"}
    async with gateway_in_process(tmp_path, document(upstream), {"all": {"allow": ["demo/*"]}}) as gateway:
        upstream.add(Turn(calls=(SUM,)), Turn(status=503), Turn(calls=(WRITE,)), Turn(text="Done."))
        with pytest.raises(openai.InternalServerError) as caught:
            await whole(gateway, model="script/tiny", extra_headers=headers)
        policies = {"all": {"allow": ["demo/*"], "deny": denied}}
        await gateway.gateway.load(load_config(write_files(tmp_path, document(upstream), policies)))
        answer = await whole(gateway, model="script/tiny", extra_headers=headers)
        _, calls = await audited(gateway.shared, caught.value.response.headers["x-toolgate-run-id"])
    assert answer.choices[0].message.content == "Done."
    assert [(call.tool, call.outcome) for call in calls] == [("calculate", "ok"), ended]
