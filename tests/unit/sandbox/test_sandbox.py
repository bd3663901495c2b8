from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from sandbox import Sandbox, explains_network_failure
from sandbox.spec import Availability, BoxSpec, Limits, Mount, Root, SandboxError, StdioServer


class FakeBox:
    """A box in which nothing runs."""


class FakeBackend:
    """Remembers what it was asked to start."""

    def __init__(self, name, *, ok=True):
        self.name = name
        self.ok = ok
        self.probes = 0
        self.started: list[BoxSpec] = []
        self.provided: list[Root] = []
        self.orphans = 0
        self.running = 0

    async def probe(self):
        self.probes += 1
        return Availability(
            self.ok, f"{self.name} 1.0" if self.ok else f"no {self.name} here", f"install {self.name}"
        )

    async def provide(self, root, on_progress):
        on_progress(f"providing {root.kind}")
        self.provided.append(root)
        return root

    async def sweep(self):
        if self.orphans is None:
            raise SandboxError(f"{self.name} does not answer")
        return self.orphans

    @asynccontextmanager
    async def start(self, spec):
        self.started.append(spec)
        self.running += 1
        try:
            yield FakeBox()
        finally:
            self.running -= 1


class FakeRoots:
    async def ensure(self, kind, on_progress):
        on_progress(f"assembling {kind}")
        return Root(kind, folder=Path("/roots") / kind)


@pytest.fixture
def backends():
    return {name: FakeBackend(name) for name in ("docker", "bubblewrap", "host")}


@pytest.fixture
def sandbox(tmp_path, backends):
    return make(tmp_path, backends)


def make(tmp_path, backends) -> Sandbox:
    return Sandbox(
        state_dir=tmp_path / "state",
        cache_dir=tmp_path / "cache",
        backends=list(backends.values()),
        instance_id="instance-1",
        roots=FakeRoots(),
    )


def node(**options) -> StdioServer:
    return StdioServer("s", "node", ("-e", "0"), **options)


def image(**options) -> StdioServer:
    return StdioServer("s", "docker", ("run", "-i", "--rm", "mine:1"), **options)


@pytest.mark.parametrize(
    ("working", "server", "chosen"),
    [
        ({"docker", "bubblewrap", "host"}, node(), "docker"),
        ({"bubblewrap", "host"}, node(), "bubblewrap"),
        ({"docker", "bubblewrap", "host"}, node(backend="bubblewrap"), "bubblewrap"),
        ({"docker", "bubblewrap", "host"}, node(backend="host"), "host"),
        ({"docker", "bubblewrap", "host"}, image(), "docker"),
        ({"docker", "bubblewrap", "host"}, node(image="mine:1"), "docker"),
    ],
)
async def test_the_best_backend_that_works_is_chosen(tmp_path, working, server, chosen):
    backends = {name: FakeBackend(name, ok=name in working) for name in ("docker", "bubblewrap", "host")}
    assert (await make(tmp_path, backends).choose(server)).name == chosen


@pytest.mark.parametrize(
    ("working", "server", "said"),
    [
        ({"host"}, node(), "no docker here; bubblewrap: no bubblewrap here"),
        ({"bubblewrap", "host"}, node(backend="docker"), "no docker here"),
        ({"bubblewrap", "host"}, image(), "no docker here"),
        ({"docker", "bubblewrap"}, image(backend="bubblewrap"), "container images"),
    ],
)
async def test_nothing_falls_back_to_less(tmp_path, working, server, said):
    backends = {name: FakeBackend(name, ok=name in working) for name in ("docker", "bubblewrap", "host")}
    with pytest.raises(SandboxError, match=said) as caught:
        await make(tmp_path, backends).choose(server)
    assert caught.value.hint


async def test_a_backend_that_is_not_built_in_is_unavailable(tmp_path):
    with pytest.raises(SandboxError, match="not built in"):
        await make(tmp_path, {}).choose(node(backend="docker"))


async def test_backends_are_probed_once(sandbox, backends):
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(sandbox.probe)
    assert [backend.probes for backend in backends.values()] == [1, 1, 1]


async def test_a_box_gets_what_was_asked_for_and_its_labels(sandbox, backends, tmp_path):
    limits = Limits(processes=7)
    data = tmp_path / "data"
    data.mkdir()
    server = node(env={"A": "1"}, mounts=(Mount(data, "/data"),), limits=limits, network="open")
    async with sandbox.launch(server, workspace_owner="agent-1"):
        [spec] = backends["docker"].started
        assert backends["docker"].running == 1
    assert backends["docker"].running == 0
    assert spec.argv == ("/usr/bin/node", "-e", "0")
    assert spec.root == Root("node", folder=Path("/roots/node"))
    assert (dict(spec.env), spec.network, spec.limits, spec.cwd) == ({"A": "1"}, "open", limits, "/")
    assert spec.mounts == (Mount(data.resolve(), "/data"),)
    assert spec.labels == {"toolgate.instance": "instance-1", "toolgate.server": "s"}


async def test_the_state_folder_is_mounted_into_no_box(sandbox, backends, tmp_path):
    (tmp_path / "state").mkdir(exist_ok=True)
    (tmp_path / "harmless").symlink_to(tmp_path / "state")
    with pytest.raises(SandboxError, match="toolgate's state folder"):
        await sandbox.prepare(node(mounts=(Mount(tmp_path / "harmless", "/data"),)))


async def test_a_mount_that_was_replaced_by_a_link_after_it_was_checked_starts_no_box(sandbox, backends, tmp_path):
    (tmp_path / "shared" / "data").mkdir(parents=True)
    server = node(mounts=(Mount(tmp_path / "shared" / "data", "/data"),))
    await sandbox.prepare(server)
    (tmp_path / "shared" / "data").rmdir()
    (tmp_path / "shared" / "data").symlink_to("/etc")
    with pytest.raises(SandboxError, match="leads elsewhere"):
        async with sandbox.launch(server, workspace_owner="agent-1"):
            pass
    assert backends["docker"].started == []


async def test_each_owner_has_a_workspace_that_stays(sandbox, backends):
    server = node(workspace="/workspace")
    for owner in ("agent-1", "agent-2", "agent-1"):
        async with sandbox.launch(server, workspace_owner=owner):
            pass
    first, second, third = (spec.mounts[-1] for spec in backends["docker"].started)
    assert first == third != second
    assert (first.target, first.writable) == ("/workspace", True)
    assert first.source.is_dir()
    assert backends["docker"].started[0].cwd == "/workspace"


async def test_without_an_owner_the_workspace_is_empty_and_goes_away(sandbox, backends):
    async with sandbox.launch(node(workspace="/workspace"), workspace_owner=None):
        folder = backends["docker"].started[0].mounts[-1].source
        assert list(folder.iterdir()) == []
    assert not folder.exists()


async def test_a_cancelled_launch_still_cleans_up(sandbox, backends):
    async def run():
        async with sandbox.launch(node(workspace="/workspace")):
            started.set()
            await anyio.sleep_forever()

    started = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await started.wait()
        group.cancel_scope.cancel()
    assert backends["docker"].running == 0
    assert not backends["docker"].started[0].mounts[-1].source.exists()


async def test_on_the_host_paths_of_mounts_become_the_real_ones(sandbox, backends, tmp_path):
    args = ("-e", "0", "/workspace/notes", "/workspace-2", "workspace")
    server = StdioServer("s", "node", args, backend="host", workspace="/workspace")
    async with sandbox.launch(server, workspace_owner="agent-1"):
        pass
    [spec] = backends["host"].started
    workspace = Path(spec.cwd)
    assert workspace.is_relative_to(tmp_path / "state")
    assert spec.argv == ("node", "-e", "0", str(workspace / "notes"), "/workspace-2", "workspace")
    assert spec.mounts == ()


async def test_an_image_keeps_its_own_command_and_folder(sandbox, backends):
    async with sandbox.launch(image()):
        pass
    [spec] = backends["docker"].started
    assert spec.root == Root("image", image="mine:1")
    assert spec.argv == ()


async def test_a_changed_server_is_prepared_anew(sandbox):
    first = await sandbox.prepare(node())
    assert await sandbox.prepare(node()) is first
    assert (await sandbox.prepare(node(env={"A": "2"}))).env == {"A": "2"}


@pytest.mark.parametrize(
    ("server", "root", "heard"),
    [
        (node(), Root("node", folder=Path("/roots/node")), ["assembling node", "providing node"]),
        (image(), Root("image", image="mine:1"), ["providing image"]),
    ],
)
async def test_preparing_brings_the_root_too_and_tells_of_it(sandbox, backends, server, root, heard):
    lines: list[str] = []
    await sandbox.prepare(server, lines.append)
    assert backends["docker"].provided == [root]
    assert lines == heard


async def test_on_the_host_no_root_is_assembled(sandbox, backends):
    lines: list[str] = []
    await sandbox.prepare(StdioServer("s", "cat", backend="host"), lines.append)
    assert (lines, backends["host"].provided) == ([], [])


async def test_a_sweep_asks_every_backend(sandbox, backends):
    backends["docker"].orphans, backends["host"].orphans = 3, 1
    assert await sandbox.sweep() == 4


async def test_a_sweep_that_fails_does_not_keep_the_gateway_from_starting(sandbox, backends, caplog):
    backends["docker"].orphans, backends["bubblewrap"].orphans = None, 2
    assert await sandbox.sweep() == 2
    assert "docker does not answer" in caplog.text


@pytest.mark.parametrize(
    "line",
    [
        "Error: getaddrinfo EAI_AGAIN api.example.org",
        "Error: getaddrinfo ENOTFOUND api.example.org",
        "connect ENETUNREACH 10.0.0.1:443",
        "TypeError: fetch failed",
        "socket.gaierror: [Errno -3] Temporary failure in name resolution",
        "httpx.ConnectError: [Errno -2] Name or service not known",
        "OSError: [Errno 101] Network is unreachable",
        "dial tcp: lookup api.example.org: no such host",
        "curl: (6) Could not resolve host: example.org",
        "Failed to fetch robots.txt https://example.org/robots.txt due to a connection issue",
        "httpx.ConnectError: All connection attempts failed",
        "connect ECONNREFUSED 127.0.0.1:5432",
        "psycopg.OperationalError: connection failed: connection to server at 10.0.0.1 failed: Connection refused",
        "aiohttp: Cannot connect to host api.example.org:443 ssl:default [None]",
    ],
)
def test_a_want_of_network_is_recognised(line):
    assert explains_network_failure(["starting", line])


@pytest.mark.parametrize("lines", [[], ["SyntaxError: invalid syntax"], ["ENOENT: no such file or directory"]])
def test_other_failures_are_not_blamed_on_the_network(lines):
    assert not explains_network_failure(lines)
