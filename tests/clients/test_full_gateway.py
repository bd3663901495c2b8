"""A gateway that is full says when to come back, and agents' own programs do."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from gateway.providers.scripted import ScriptedUpstream, Turn
from tests.support.covering import CLAUDE_CODE, CODEX, MESSAGES, RESPONSES, covers
from tests.support.gateways import SECRET, gateway_in_process

from .installed import Programs
from .recording import Recorder
from .running import claude_code, codex

pytestmark = pytest.mark.npm


@covers({"claude": CLAUDE_CODE, "codex": CODEX}, {"claude": MESSAGES, "codex": RESPONSES}, "errors")
@pytest.mark.parametrize("program", ["claude", "codex"])
async def test_they_come_back_when_there_is_room(programs: Programs, tmp_path: Path, program: str):
    path, model = {"claude": ("/v1/messages", "claude-opus-5-5"), "codex": ("/v1/responses", "gpt-5.4")}[program]
    recorder = Recorder(path)
    async with ScriptedUpstream(models=("tiny",)).serve() as upstream:
        document = {
            "providers": {
                "anthropic": {"base_url": upstream.base_url, "api_key": "the-operators-own"},
                "openai": {"dialect": "openai_responses", "base_url": upstream.base_url},
            },
            "models": {
                "claude-opus-5-5": {"provider": "anthropic", "model": "claude"},
                "gpt-5.4": {"provider": "openai", "model": "gpt"},
                "busy": {"provider": "anthropic", "model": "claude"},
            },
            "keys": {"agent": {"secret": SECRET, "tools": "off"}},
            "limits": {"requests_in_flight": 1},
        }
        async with gateway_in_process(tmp_path, document, {}, in_front=recorder.in_front_of) as gateway:
            release = anyio.Event()
            upstream.add(Turn(text="Late.", wait_for=release), Turn(text="All is well."))

            async def occupy() -> None:
                request = {"model": "busy", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
                async with gateway.http() as http:
                    assert (await http.post("/v1/messages", json=request)).status_code == 200

            async def make_room() -> None:
                with anyio.fail_after(60):
                    while not any(one.status == 503 for one in recorder.seen):
                        await anyio.sleep(0.02)
                release.set()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(occupy)
                await upstream.wait_for_requests(1)
                tasks.start_soon(make_room)
                if program == "claude":
                    done = await claude_code(programs.claude, gateway.origin, tmp_path, model=model)
                    said = done.report["result"]
                else:
                    told = await codex(programs.codex, gateway.origin, tmp_path, model=model)
                    done, said = told, told.said[-1]
            assert (done.code, said) == (0, "All is well.")
            assert [one.status for one in recorder.seen][-2:] == [503, 200]
