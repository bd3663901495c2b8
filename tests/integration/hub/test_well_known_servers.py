"""Well-known servers as their makers publish them: from an entry as Claude Desktop has it to answers at `/mcp`.

Each goes the whole way: the store installs it, a box of either kind runs it without network, the hub keeps it, and
the official SDK's client uses it in both eras. The packages are pinned, and kept in the cache of the tests.
"""

from __future__ import annotations

import base64
import gzip
import json
import logging
import shutil
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from mcp.client.subscriptions import ResourceUpdated
from mcp.shared.exceptions import MCPError
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from gateway.errors import ToolServerRefusal
from gateway.hub import Hub
from gateway.providers.scripted.serving import serve_app
from tests.support.caching import cache_for_boxes
from tests.support.conditions import eventually
from tests.support.gateways import MCP_ERAS, OTHER_SECRET, SECRET, InProcess, gateway_in_process

INSTALLING = 600  # seconds: the first run fetches all packages
pytestmark = [pytest.mark.npm, pytest.mark.pypi, pytest.mark.timeout(INSTALLING + 240)]

ENTRIES: dict[str, dict[str, Any]] = {
    "everything": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-everything@2026.8.31"]},
    "everything-2025": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-everything@2025.9.25"]},
    "sequential-thinking": {
        "command": "npx",
        "args": ["-y", "@modelcontextprotocol/server-sequential-thinking@2026.8.31"],
    },
    "filesystem": {
        "command": "npx",
        "args": ["-y", "@modelcontextprotocol/server-filesystem@2026.8.31", "/workspace"],
        "sandbox": {"workspace": "/workspace"},
    },
    "time": {"command": "uvx", "args": ["mcp-server-time==2026.10.19", "--local-timezone=America/New_York"]},
    "fetch": {"command": "uvx", "args": ["mcp-server-fetch==2026.10.24"]},
    "sqlite": {
        "command": "uvx",
        "args": ["--with", "mcp<2", "mcp-server-sqlite==2025.4.25", "--db-path", "/workspace/test.db"],
        "sandbox": {"workspace": "/workspace"},
    },
}
"""What stands beneath `mcpServers`. `sandbox` is ours: without it a server sees no folder of anybody's."""

MODERN = {"time", "fetch"}
ONE_TOOL = {
    "everything": "get-sum",
    "everything-2025": "add",
    "sequential-thinking": "sequentialthinking",
    "filesystem": "read_text_file",
    "time": "convert_time",
    "fetch": "fetch",
    "sqlite": "read_query",
}
SECRET_OF_THE_GATEWAY = "a-secret-of-the-gateway-0123456789"
POLICIES = {"all": {"allow": ["*/*"]}}
both_eras = pytest.mark.parametrize("mode", MCP_ERAS)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
    ],
)
def box(request: pytest.FixtureRequest):
    """The kind of box that the gateway finds by itself, as no entry names one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_OF_THE_GATEWAY", SECRET_OF_THE_GATEWAY)
        if request.param == "bubblewrap":
            patch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
        yield request.param


@pytest.fixture(scope="module")
def home():
    """A folder that the boxes' user can pass; pytest's own folders are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="toolgate-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def with_folder(folder: Path) -> dict[str, Any]:
    """The entry that stands in most files of Claude Desktop: a folder of this machine is the server's argument."""
    folder.mkdir()
    (folder / "letter.txt").write_text("Dear reader")
    arguments = ["-y", "@modelcontextprotocol/server-filesystem@2026.8.31", str(folder)]
    return {"command": "npx", "args": arguments, "sandbox": {"mounts": [f"{folder}:{folder}"]}}


def document(home: Path, servers: dict[str, Any]) -> dict[str, Any]:
    key = {"policies": ["all"]}
    return {
        "mcpServers": servers,
        "keys": {"agent": {"secret": SECRET, **key}, "other": {"secret": OTHER_SECRET, **key}},
        "storage": {"state_dir": str(home / "state"), "cache_dir": str(cache_for_boxes())},
        "limits": {"tool_call_seconds": 120},
    }


class Warnings(logging.Handler):
    """Keeps what the gateway warns of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture(scope="module")
def warnings():
    handler = Warnings()
    log = logging.getLogger("gateway")
    log.addHandler(handler)
    yield handler.messages
    log.removeHandler(handler)


@pytest.fixture(scope="module")
async def gateway(box: str, home: Path, warnings: list[str]) -> AsyncGenerator[InProcess]:
    folder = home / box
    folder.mkdir()
    warnings.clear()
    servers = {**ENTRIES, "desktop": with_folder(folder / "Desktop")}
    async with gateway_in_process(
        folder, document(folder, servers), POLICIES, settle_within=INSTALLING
    ) as gateway:
        yield gateway


@pytest.fixture
def hub(gateway: InProcess) -> Hub:
    return gateway.gateway.services.hub


def call(hub: Hub, server: str, tool: str, **arguments: Any):
    return hub.call(server, tool, arguments, owner="somebody", timeout=120)


def texts(result: types.CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, types.TextContent))


async def test_every_server_is_ready_in_the_box_that_there_is(gateway: InProcess, box: str, warnings: list[str]):
    async with gateway.http() as http:
        answer = (await http.get("/readyz", params={"verbose": ""})).json()
    statuses = {one["name"]: one for one in answer["servers"]}
    assert {name: (one["state"], one["sandbox"]) for name, one in statuses.items()} == dict.fromkeys(
        [*ENTRIES, "desktop"], ("ready", box)
    )
    assert {name for name, one in statuses.items() if one["protocol"] == "modern"} == MODERN
    left_out = {name: [each["tool"] for each in one.get("left_out", ())] for name, one in statuses.items()}
    assert left_out.pop("everything") == ["simulate-research-query"], "it is a task, which we do not offer"
    assert not any(left_out.values())
    assert [one for one in warnings if "simulate-research-query" not in one] == []


@both_eras
async def test_every_server_lists_its_tools(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
    assert names >= {f"{server}__{tool}" for server, tool in ONE_TOOL.items()}


async def test_every_server_does_its_work_through_the_hub(hub: Hub):
    told = await call(hub, "everything", "get-sum", a=2, b=40)
    assert told.text() == "The sum of 2 and 40 is 42."
    assert (await call(hub, "everything-2025", "add", a=2, b=40)).text() == "The sum of 2 and 40 is 42."
    thought = {"thought": "First.", "nextThoughtNeeded": False, "thoughtNumber": 1, "totalThoughts": 1}
    counted = await call(hub, "sequential-thinking", "sequentialthinking", **thought)
    assert (counted.structured or {})["totalThoughts"] == 1
    await call(hub, "filesystem", "write_file", path="/workspace/note.txt", content="from the hub")
    read = await call(hub, "filesystem", "read_text_file", path="/workspace/note.txt")
    assert read.structured == {"content": "from the hub"}
    noon = {"source_timezone": "Asia/Tokyo", "time": "12:00", "target_timezone": "Asia/Kolkata"}
    converted = await call(hub, "time", "convert_time", **noon)
    assert (converted.structured or {})["time_difference"] == "-3.5h"
    await call(hub, "sqlite", "create_table", query="CREATE TABLE pets (name TEXT)")
    await call(hub, "sqlite", "write_query", query="INSERT INTO pets VALUES ('Rex')")
    assert (await call(hub, "sqlite", "read_query", query="SELECT * FROM pets")).text() == "[{'name': 'Rex'}]"


async def test_a_box_without_network_is_said_to_be_the_reason_when_a_page_cannot_be_fetched(hub: Hub):
    fetched = await call(hub, "fetch", "fetch", url="https://example.com/")
    zipped = await call(hub, "everything", "gzip-file-as-resource", name="a.gz", data="https://example.com/")
    for failed in (fetched, zipped):
        assert failed.is_error
        assert "example.com" in failed.text() or "fetch failed" in failed.text()
        assert "the server runs in a sandbox without one" in failed.text()


async def test_a_server_that_asks_for_the_clients_model_fails_the_call_and_goes_on(gateway: InProcess, hub: Hub):
    with pytest.raises(ToolServerRefusal, match="this client does not offer sampling/createMessage"):
        await call(hub, "everything-2025", "sampleLLM", prompt="Who are you?")
    async with gateway.mcp_client() as client:
        asked = await client.call_tool("everything-2025__sampleLLM", {"prompt": "Who are you?"})
        assert asked.is_error
        assert "this client does not offer sampling/createMessage" in texts(asked)
        assert (
            texts(await client.call_tool("everything-2025__echo", {"message": "still here"})) == "Echo: still here"
        )


@pytest.mark.parametrize("tool", ["trigger-elicitation-request", "trigger-sampling-request", "get-roots-list"])
async def test_tools_for_clients_that_can_do_more_are_not_there(gateway: InProcess, hub: Hub, tool: str):
    told = await call(hub, "everything", tool, prompt="?")
    assert told.is_error
    assert f"Tool {tool} not found" in told.text()
    async with gateway.mcp_client() as client:
        with pytest.raises(MCPError, match="no tool called"):
            await client.call_tool(f"everything__{tool}", {"prompt": "?"})


@both_eras
async def test_what_everything_answers_arrives_as_it_is(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode, path="/mcp/everything") as client:
        told = await client.call_tool("get-annotated-message", {"messageType": "error", "includeImage": True})
        message, image = told.content
        assert isinstance(message, types.TextContent)
        assert isinstance(image, types.ImageContent)
        assert message.annotations is not None
        assert (message.annotations.priority, message.annotations.audience) == (1.0, ["user", "assistant"])
        assert base64.b64decode(image.data).startswith(b"\x89PNG")
        assert image.mime_type == "image/png"

        weather = await client.call_tool("get-structured-content", {"location": "Chicago"})
        assert weather.structured_content == json.loads(texts(weather))

        linked = await client.call_tool("get-resource-links", {"count": 2})
        links = [block for block in linked.content if isinstance(block, types.ResourceLink)]
        assert len(links) == 2
        assert [len((await client.read_resource(link.uri)).contents) for link in links] == [1, 1]

        embedded = await client.call_tool("get-resource-reference", {"resourceType": "Blob", "resourceId": 7})
        (resource,) = [block.resource for block in embedded.content if isinstance(block, types.EmbeddedResource)]
        assert isinstance(resource, types.BlobResourceContents)
        assert b"Resource 7" in base64.b64decode(resource.blob)


@both_eras
async def test_progress_of_everything_arrives_while_it_works(gateway: InProcess, mode: str):
    seen: list[tuple[float, float | None]] = []

    async def on_progress(progress: float, total: float | None, _message: str | None) -> None:
        seen.append((progress, total))

    async with gateway.mcp_client(mode) as client:
        asked = {"duration": 1, "steps": 4}
        told = await client.call_tool(
            "everything__trigger-long-running-operation", asked, progress_callback=on_progress
        )
        assert texts(told) == "Long running operation completed. Duration: 1 seconds, Steps: 4."
        await eventually(lambda: len(seen) == 4)
    assert sorted(seen) == [(step, 4.0) for step in (1.0, 2.0, 3.0, 4.0)]


@both_eras
async def test_resources_prompts_and_completions_of_everything(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode) as client:
        listed = (await client.list_resources()).resources
        architecture = next(one for one in listed if one.name == "architecture.md")
        (read,) = (await client.read_resource(architecture.uri)).contents
        assert isinstance(read, types.TextResourceContents)
        assert "Everything Server" in read.text
        templates = (await client.list_resource_templates()).resource_templates
        assert "demo://resource/dynamic/text/{resourceId}" in {one.uri_template for one in templates}
        (made,) = (await client.read_resource("demo://resource/dynamic/text/3")).contents
        assert isinstance(made, types.TextResourceContents)
        assert made.text.startswith("Resource 3: ")
        with pytest.raises(MCPError, match="Unknown resource: demo://resource/dynamic/text/none"):
            await client.read_resource("demo://resource/dynamic/text/none")

        prompts = {one.name for one in (await client.list_prompts()).prompts}
        assert {"everything__args-prompt", "sqlite__mcp-demo", "fetch__fetch"} <= prompts
        got = await client.get_prompt("everything__args-prompt", {"city": "Oslo", "state": "Viken"})
        (message,) = got.messages
        assert isinstance(message.content, types.TextContent)
        assert message.content.text == "What's weather in Oslo, Viken?"
        with pytest.raises(MCPError, match="Invalid arguments for prompt args-prompt"):
            await client.get_prompt("everything__args-prompt", {})

        reference = types.PromptReference(name="everything__completable-prompt")
        completed = await client.complete(reference, {"name": "department", "value": "E"})
        assert completed.completion.values == ["Engineering"]
        completed = await client.complete(
            reference, {"name": "name", "value": "A"}, context_arguments={"department": "Engineering"}
        )
        assert completed.completion.values == ["Alice"]
        template = types.ResourceTemplateReference(uri="demo://resource/dynamic/text/{resourceId}")
        completed = await client.complete(template, {"name": "resourceId", "value": "5"})
        assert completed.completion.values == ["5"]


@both_eras
async def test_a_resource_that_everything_makes_is_listed_soon(gateway: InProcess, mode: str):
    name = f"{mode}.gz"
    wanted = {"name": name, "data": "data:text/plain,hello", "outputType": "resourceLink"}
    async with gateway.mcp_client(mode, path="/mcp/everything") as client:
        (link,) = (await client.call_tool("gzip-file-as-resource", wanted)).content
        assert isinstance(link, types.ResourceLink)
        (read,) = (await client.read_resource(link.uri)).contents
        assert isinstance(read, types.BlobResourceContents)
        assert gzip.decompress(base64.b64decode(read.blob)) == b"hello"
        catalogue = gateway.gateway.services.hub
        await eventually(lambda: any(one.uri == link.uri for one in catalogue.catalogue.resources))
        assert link.uri in {one.uri for one in (await client.list_resources()).resources}


async def test_what_everything_logs_is_for_the_operator(hub: Hub):
    def said() -> tuple[str, ...]:
        return next(one.said for one in hub.statuses() if one.name == "everything")

    before = said()
    assert (await call(hub, "everything", "toggle-simulated-logging")).text().startswith("Started")
    await eventually(lambda: len(said()) > len(before))
    assert (await call(hub, "everything", "toggle-simulated-logging")).text().startswith("Stopped")
    level, _, text = said()[-1].partition(": ")
    assert text.lower().startswith(level)
    assert text.endswith("message")


@both_eras
@pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
async def test_an_update_of_a_resource_reaches_whoever_watches_it(gateway: InProcess, hub: Hub, mode: str):
    uri = f"demo://resource/dynamic/text/{1 + MCP_ERAS.index(mode)}"
    heard: list[str] = []

    async def hear(said: object) -> None:
        if isinstance(said, types.ResourceUpdatedNotification):
            heard.append(str(said.params.uri))

    async with gateway.mcp_client(mode, path="/mcp/everything", message_handler=hear) as client:
        assert (await call(hub, "everything", "toggle-subscriber-updates")).text().startswith("Started")
        if mode == "legacy":
            await client.subscribe_resource(uri)
            await eventually(lambda: uri in heard)
        else:
            async with client.listen(resource_subscriptions=[uri]) as subscription:
                told = await anext(aiter(subscription))
                assert isinstance(told, ResourceUpdated)
                heard.append(str(told.uri))
        assert (await call(hub, "everything", "toggle-subscriber-updates")).text().startswith("Stopped")
    assert set(heard) == {uri}


async def test_the_environment_of_a_box_holds_nothing_of_the_gateways(hub: Hub):
    told = json.loads((await call(hub, "everything", "get-env")).text())
    assert SECRET_OF_THE_GATEWAY not in told.values()
    assert set(told) <= {"HOME", "HOSTNAME", "LANG", "NODE_EXTRA_CA_CERTS", "PATH", "PWD"}


@both_eras
async def test_thoughts_times_files_and_tables_through_the_endpoint(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode) as client:
        thought = {"thought": "So.", "nextThoughtNeeded": True, "thoughtNumber": 1, "totalThoughts": 3}
        counted = await client.call_tool("sequential-thinking__sequentialthinking", thought)
        assert (counted.structured_content or {})["nextThoughtNeeded"] is True
        told = await client.call_tool("time__get_current_time", {"timezone": "Asia/Tokyo"})
        assert (told.structured_content or {})["datetime"].endswith("+09:00")
        nowhere = await client.call_tool("time__get_current_time", {"timezone": "Nowhere/None"})
        assert nowhere.is_error
        assert "Invalid timezone" in texts(nowhere)
        fetched = await client.call_tool("fetch__fetch", {"url": "https://example.com/"})
        assert fetched.is_error
        assert "sandbox: {network: open}" in texts(fetched)


@both_eras
async def test_each_key_has_its_own_files_and_its_own_database(gateway: InProcess, mode: str):
    file = {"path": f"/workspace/{mode}.txt"}
    table = f"pets_{mode.replace('-', '_')}"
    async with gateway.mcp_client(mode) as mine, gateway.mcp_client(mode, secret=OTHER_SECRET) as other:
        await mine.call_tool("filesystem__write_file", {**file, "content": "mine"})
        assert texts(await mine.call_tool("filesystem__read_text_file", file)) == "mine"
        assert (await other.call_tool("filesystem__read_text_file", file)).is_error
        outside = await mine.call_tool("filesystem__read_text_file", {"path": "/etc/passwd"})
        assert outside.is_error
        assert "Access denied" in texts(outside)

        await mine.call_tool("sqlite__create_table", {"query": f"CREATE TABLE {table} (name TEXT)"})
        await mine.call_tool("sqlite__write_query", {"query": f"INSERT INTO {table} VALUES ('Rex')"})
        await mine.call_tool("sqlite__append_insight", {"insight": f"{mode} has a dog"})
        found = await mine.call_tool("sqlite__read_query", {"query": f"SELECT name FROM {table}"})
        assert texts(found) == "[{'name': 'Rex'}]"
        assert table not in texts(await other.call_tool("sqlite__list_tables", {}))
        (memo,) = (await mine.read_resource("memo://insights")).contents
        assert isinstance(memo, types.TextResourceContents)
        assert f"{mode} has a dog" in memo.text


async def test_a_mounted_folder_can_be_read_and_not_written(gateway: InProcess, home: Path, box: str):
    file = home / box / "Desktop" / "letter.txt"
    async with gateway.mcp_client(path="/mcp/desktop") as client:
        assert texts(await client.call_tool("read_text_file", {"path": str(file)})) == "Dear reader"
        written = await client.call_tool("write_file", {"path": str(file), "content": "Dear nobody"})
        assert written.is_error
        assert "read-only" in texts(written)
    assert file.read_text() == "Dear reader"


@pytest.mark.bubblewrap
async def test_fetch_reads_a_page_where_the_network_is_open(home: Path):
    """Of the two boxes only bubblewrap's then has the loopback of the host, where the page is."""

    async def page(_request: object) -> HTMLResponse:
        return HTMLResponse("<html><body><h1>News</h1><p>The canary sings.</p></body></html>")

    arguments = ["mcp-server-fetch==2026.10.24", "--allow-private-ips", "--ignore-robots-txt"]
    open_box = {"backend": "bubblewrap", "network": "open"}
    servers = {"fetch": {"command": "uvx", "args": arguments, "sandbox": open_box}}
    folder = home / "open"
    folder.mkdir()
    async with (
        serve_app(Starlette(routes=[Route("/news", page)])) as origin,
        gateway_in_process(folder, document(folder, servers), POLICIES, settle_within=INSTALLING) as gateway,
        gateway.mcp_client() as client,
    ):
        fetched = await client.call_tool("fetch__fetch", {"url": f"{origin}/news"})
        assert not fetched.is_error, texts(fetched)
        assert "# News\n\nThe canary sings." in texts(fetched)
        prompt = await client.get_prompt("fetch__fetch", {"url": f"{origin}/news"})
        assert "canary" in prompt.messages[0].model_dump_json()
        missing = await client.call_tool("fetch__fetch", {"url": f"{origin}/none"})
        assert missing.is_error
        assert "404" in texts(missing)
