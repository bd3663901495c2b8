"""The bench works: tiny counts, real processes, no judgement on speed."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bench import wire
from bench.comparison import Comparison, ScenarioResult, compare
from bench.goals import GOALS
from bench.load import Load, LoadFailed, ask_once, run_load
from bench.measuring import Sample
from bench.mock_upstream import serving_upstream
from bench.peers import litellm, naive, nginx, toolgate
from bench.processes import tree_usage
from bench.report import as_json, as_text
from bench.scenarios import SCENARIOS
from bench.servers import PATH, Launch, Peer, PeerMissing

COUNT = 4
BY_NAME = {
    scenario.name: replace(scenario, concurrency=min(scenario.concurrency, 4), count=COUNT, seconds=20)
    for scenario in SCENARIOS
}


@asynccontextmanager
async def upstream() -> AsyncGenerator[int]:
    async with serving_upstream(0) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def answering(response: bytes) -> AsyncGenerator[int]:
    """A server that answers every piece that it is sent with these bytes, and closes the connection."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(response)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_the_load_stops_at_its_count_and_has_a_latency_for_each_answer():
    async with upstream() as port:
        answers = await run_load(port, Load(wire.request(PATH, wire.CHAT, key="k"), 3, 50, 30.0))
    assert len(answers.latencies) == 50
    assert min(answers.latencies) > 0


async def test_the_load_stops_when_its_time_is_up():
    async with upstream() as port:
        answers = await run_load(port, Load(wire.request(PATH, wire.CHAT, key="k"), 2, 10**9, 0.1))
    assert 0 < len(answers.latencies) < 10**9


async def test_a_kept_connection_is_used_again_and_a_closed_one_is_opened_again():
    body = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    async with answering(body) as port:
        answers = await run_load(port, Load(wire.request(PATH, wire.CHAT, key="k"), 2, 6, 30.0))
    assert len(answers.latencies) == 6


@pytest.mark.parametrize(
    ("response", "told"),
    [
        (b"HTTP/1.1 500 No\r\nContent-Length: 7\r\n\r\nbroken!", "status 500: broken!"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "closed the connection within an answer"),
        (b"SSH-2.0-OpenSSH\r\n", "not HTTP"),
    ],
)
async def test_an_answer_that_is_no_whole_200_is_no_measurement(response, told):
    async with answering(response) as port:
        with pytest.raises(LoadFailed, match=told):
            await run_load(port, Load(wire.request(PATH, wire.CHAT, key="k"), 2, 6, 30.0))


@pytest.mark.parametrize("model", [wire.BURST, wire.PACED])
async def test_the_upstream_streams_a_hundred_chunks_and_then_the_end(model):
    async with upstream() as port:
        body = await ask_once(port, wire.request(PATH, model, key="k", is_streamed=True))
    events = [event for event in body.split(b"\n\n") if event]
    assert len([event for event in events if b'"delta":{"content"' in event or b'"delta":{"role"' in event]) == 100
    assert events[-1] == b"data: [DONE]"
    assert wire.MARKER.encode() in body


async def test_the_upstream_calls_the_calculator_and_then_answers():
    tool = {"type": "function", "function": {"name": "demo__calculate", "parameters": {}}}
    result = {"role": "tool", "tool_call_id": "call_bench", "content": "42"}
    async with upstream() as port:
        first = await ask_once(port, wire.request(PATH, wire.TOOLS, key="k", extra={"tools": [tool]}))
        second = await ask_once(port, wire.request(PATH, wire.TOOLS, key="k", extra={"messages": [result]}))
    assert b'"name":"demo__calculate"' in first
    assert wire.MARKER.encode() not in first
    assert wire.MARKER.encode() in second


async def test_usage_covers_children_and_leaves_out_what_is_named():
    child = "import os; [os.urandom(10**6) for _ in range(40)]; import time; time.sleep(60)  # the-child"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, process_group=0)
    try:
        async with asyncio.timeout(30):
            while (
                tree_usage(process.pid).resident_bytes
                <= tree_usage(process.pid, leaving_out="the-child").resident_bytes
            ):
                await asyncio.sleep(0.01)
    finally:
        os.killpg(process.pid, 9)
        await process.wait()
    assert tree_usage(process.pid).resident_bytes == 0


async def run(peers, names, tmp_path, *, repetitions=1) -> tuple[Comparison, list[str]]:
    told: list[str] = []
    scenarios = [BY_NAME[name] for name in names]
    comparison = await compare(peers, scenarios, repetitions=repetitions, folder=tmp_path, tell=told.append)
    return comparison, told


def check(comparison: Comparison, names: list[str], server: str, *, repetitions=1) -> None:
    assert comparison.missing == {}
    assert [result.failures for result in comparison.results] == [{} for _ in names]
    assert [result.samples[server].completed for result in comparison.results] == [
        COUNT * repetitions for _ in names
    ]
    assert [entry["name"] for entry in as_json(comparison)["scenarios"]] == names


async def test_the_naive_proxy_is_measured_beside_the_upstream_itself(tmp_path):
    names = ["pass-c1", "pass-c32", "burst-c8"]
    comparison, _ = await run([naive.PEER], names, tmp_path, repetitions=3)
    check(comparison, names, "naive", repetitions=3)
    text = as_text(comparison)
    assert "direct" in text
    assert "FAILED" not in text


async def test_toolgate_is_measured_in_every_scenario(tmp_path):
    names = ["pass-c1", "stream-c64", "burst-c8", "tools-c1"]
    comparison, _ = await run([toolgate.PEER], names, tmp_path)
    check(comparison, names, "toolgate")
    assert comparison.idle["toolgate"].resident > 0


@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")
async def test_nginx_is_measured(tmp_path):
    names = ["pass-c32", "burst-c8"]
    comparison, _ = await run([nginx.PEER], names, tmp_path)
    check(comparison, names, "nginx")


async def test_a_server_that_cannot_be_had_is_left_out_loudly(tmp_path):
    def launch(place):
        raise PeerMissing("it is not to be had")

    comparison, told = await run([Peer("absent", launch), naive.PEER], ["pass-c1"], tmp_path)
    assert comparison.missing == {"absent": "it is not to be had"}
    assert "LEFT OUT absent: it is not to be had" in told
    assert "LEFT OUT absent: it is not to be had" in as_text(comparison)
    assert "naive" in comparison.results[0].samples


async def test_a_server_that_does_not_start_is_left_out_with_the_last_line_of_its_log(tmp_path):
    def launch(place):
        return Launch((sys.executable, "-c", "import sys; sys.exit('the port is cursed')"))

    comparison, _ = await run([Peer("cursed", launch)], ["pass-c1"], tmp_path)
    assert comparison.missing == {"cursed": "ended with status 1: the port is cursed"}


def test_litellm_is_told_to_stay_on_this_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    installed = tmp_path / "toolgate-bench" / f"litellm-{litellm.VERSION}" / "installed"
    installed.parent.mkdir(parents=True)
    installed.touch()
    made = litellm.launch(toolgate_place(tmp_path))
    assert made.environment["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"
    assert "127.0.0.1:9" in (tmp_path / "config.yaml").read_text()


def toolgate_place(folder):
    from bench.servers import Place

    return Place(folder, port=8, upstream=9)


def test_goals_are_judged_by_ratios_of_one_run_and_say_when_they_were_not_measured():
    def sample(cpu: float) -> Sample:
        return Sample(cpu, p50=1, p99=1, per_second=1, resident=1, completed=1)

    result = ScenarioResult(
        BY_NAME["pass-c32"], {"nginx": sample(10), "toolgate": sample(39), "litellm": sample(1000)}
    )
    verdicts = [goal.verdict(Comparison(results=[result])) for goal in GOALS]
    assert verdicts[:2] == [(3.9, True), (0.039, False)]
    assert all(verdict == (None, None) for verdict in verdicts[2:])
