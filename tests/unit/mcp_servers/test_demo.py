from __future__ import annotations

import subprocess
import sys

import pytest
from mcp import Client, StdioServerParameters

from mcp_servers.demo import build_server


async def call(client: Client, tool: str, **arguments: object) -> tuple[bool, str]:
    """Whether the call failed, and its text."""
    result = await client.call_tool(tool, arguments)
    [block] = result.content
    return bool(result.is_error), block.text


@pytest.fixture
async def client():
    async with Client(build_server()) as connected:
        yield connected


async def test_every_tool_says_what_it_may_do(client):
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert sorted(tools) == ["calculate", "current_time", "delete_note", "list_notes", "read_note", "write_note"]
    read_only = {name for name, tool in tools.items() if tool.annotations.read_only_hint}
    assert read_only == {"calculate", "current_time", "list_notes", "read_note"}
    assert {name for name, tool in tools.items() if tool.annotations.destructive_hint} == {
        "write_note",
        "delete_note",
    }
    assert not any(tool.annotations.open_world_hint for tool in tools.values())
    assert all(tool.description for tool in tools.values())


async def test_test_tools_are_there_only_when_asked_for():
    async with Client(build_server(test_tools=True)) as connected:
        names = {tool.name for tool in (await connected.list_tools()).tools}
        assert {"slow", "fail", "crash", "flood"} <= names
        assert await call(connected, "fail", message="as asked") == (True, "Error executing tool fail: as asked")
        assert len((await call(connected, "flood", size=100_000))[1]) == 100_000


async def test_slow_reports_its_progress():
    seen: list[float] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    async with Client(build_server(test_tools=True)) as connected:
        await connected.call_tool("slow", {"seconds": 0, "steps": 3}, progress_callback=on_progress)
    assert sorted(seen) == [0, 1, 2]


async def test_notes_are_written_read_replaced_and_deleted(client):
    assert not (await call(client, "write_note", name="shopping", text="milk"))[0]
    assert not (await call(client, "write_note", name="shopping", text="bread"))[0]
    assert await call(client, "list_notes") == (False, "shopping\nwelcome")
    assert await call(client, "read_note", name="shopping") == (False, "bread")
    assert not (await call(client, "delete_note", name="shopping"))[0]
    failed, text = await call(client, "read_note", name="shopping")
    assert failed
    assert "no note 'shopping'" in text


async def test_two_servers_share_no_notes(client):
    await call(client, "write_note", name="mine", text="x")
    async with Client(build_server()) as other:
        assert (await call(other, "read_note", name="mine"))[0]


async def test_notes_are_bounded(client):
    for number in range(199):
        assert not (await call(client, "write_note", name=f"n{number}", text=""))[0]
    assert (await call(client, "write_note", name="one too many", text=""))[0]
    assert (await call(client, "write_note", name="welcome", text="x" * 65_537))[0]


async def test_the_clock_knows_time_zones(client):
    failed, text = await call(client, "current_time", timezone="Asia/Kolkata")
    assert not failed
    assert "+05:30" in text


@pytest.mark.parametrize("zone", ["", "Nowhere/City", "../etc/passwd", "/etc/localtime", "Europe", "nul\0"])
async def test_an_unknown_time_zone_is_a_tool_error(client, zone):
    failed, text = await call(client, "current_time", timezone=zone)
    assert failed
    assert "unknown time zone" in text


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 3 * 4", "14"),
        (" (2 + 3) * 4 ", "20"),
        ("-2 ** 2", "-4"),
        ("7 / 2", "3.5"),
        ("-7 // 2", "-4"),
        ("7 % 3", "1"),
        ("2 ** -1", "0.5"),
        ("2 ** 1000", str(2**1000)),
        ("sqrt(16) + abs(-1)", "5.0"),
        ("round(pi)", "3"),
        ("0.1 + 0.2", "0.30000000000000004"),
    ],
)
async def test_arithmetic_is_calculated(client, expression, value):
    assert await call(client, "calculate", expression=expression) == (False, value)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "2 +",
        "1 / 0",
        "1 % 0.0",
        "9 ** 9 ** 9 ** 9",
        "2 ** 100000",
        "10.0 ** 400",
        "1e999",
        "exp(10000)",
        "(-8) ** 0.5",
        "0 ** -1",
        "log(0)",
        "-" * 400 + "1",
        "(" * 240 + "1" + ")" * 240,
        "9" * 1300 + "0",
        "True + 1",
        "'a' * 9",
        "[1] * 9",
        "1 if 1 else 2",
        "x",
        "pi.real",
        "__import__('os').system('id')",
        "(lambda: 1)()",
        "sqrt",
        "sqrt(1, 2)",
        "round(1, ndigits=2)",
        "1 << 9",
        "2\n3",
        "\0",
    ],
)
async def test_anything_else_is_a_tool_error(client, expression):
    assert (await call(client, "calculate", expression=expression))[0]


async def test_it_serves_over_stdio():
    parameters = StdioServerParameters(command=sys.executable, args=["-m", "mcp_servers.demo"])
    async with Client(parameters) as connected:
        assert await call(connected, "calculate", expression="6 * 7") == (False, "42")


def test_it_imports_no_web_framework_of_ours_nor_the_gateway():
    code = "import mcp_servers.demo, mcp_servers.filesystem, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    packages = {name.partition(".")[0] for name in done.stdout.split()}
    assert not packages & {"fastapi", "gateway", "sandbox", "sqlalchemy", "aiohttp", "docker"}
