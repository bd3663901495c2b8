from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from sandbox.spec import Mount, Origin, SandboxError, StdioServer
from sandbox.store import PackageStore
from sandbox.store import bundled as bundled_module
from sandbox.store.bundled import installed_closure
from sandbox.store.package_manager import run_package_manager
from sandbox.store.prepared import Prepared

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """One cache for the module: gathering the SDK copies some thousand files."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def project(tmp_path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "server.py").write_text("import mcp")
    return folder


async def prepare(cache: Path, command: str, *args: str, **options) -> Prepared:
    return await PackageStore(cache).prepare(StdioServer("s", command, args, **options), lambda line: None)


async def test_our_own_servers_run_from_a_gathered_folder_and_nothing_else(cache):
    prepared = await prepare(cache, "python", "-m", "mcp_servers.filesystem", "/workspace")
    assert prepared.argv == ("/usr/bin/python3", "-P", "-m", "mcp_servers.filesystem", "/workspace")
    assert prepared.root_kind == "python"
    assert prepared.origin == Origin("bundled", "mcp_servers.filesystem")
    assert prepared.env == {"PYTHONPATH": "/opt/server"}
    [mount] = prepared.mounts
    assert (mount.target, mount.writable) == ("/opt/server", False)

    # -I -S: neither the environment nor this installation's packages, as in a box.
    code = (
        f"import sys; sys.path.insert(0, {str(mount.source)!r}); import mcp_servers.demo.__main__ as m; m.main()"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        input=json.dumps(INITIALIZE) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert json.loads(done.stdout.splitlines()[0])["result"]["serverInfo"]["name"] == "toolgate-demo", done.stderr


async def test_the_gathered_folder_is_shared_and_changes_with_our_code(cache, tmp_path, monkeypatch):
    first = (await prepare(cache, "python3", "-m", "mcp_servers.demo")).mounts[0].source
    assert (await prepare(cache, "python3", "-m", "mcp_servers.filesystem", "/x")).mounts[0].source == first

    changed = tmp_path / "mcp_servers"
    changed.mkdir()
    (changed / "__init__.py").write_text("")
    monkeypatch.setattr(bundled_module, "_own_package", lambda: changed)
    assert (await prepare(cache, "python3", "-m", "mcp_servers.demo")).mounts[0].source != first


async def test_on_the_host_our_own_servers_run_from_the_same_folder(cache):
    prepared = await prepare(cache, "python", "-m", "mcp_servers.demo", backend="host")
    assert prepared.argv == (sys.executable, "-P", "-m", "mcp_servers.demo")
    assert Path(prepared.env["PYTHONPATH"]).is_relative_to(cache)


def test_a_closure_follows_extras_and_leaves_out_what_is_not_installed():
    names = set(installed_closure("mcp"))
    assert {"mcp", "anyio", "pydantic-core", "pyjwt", "cryptography"} <= names
    assert "pytest" not in names
    assert "pywin32" not in names


def test_a_package_that_is_not_installed_has_no_closure():
    with pytest.raises(SandboxError, match="no-such-package"):
        installed_closure("no-such-package")


def test_a_requirement_that_is_not_installed_is_no_failure(monkeypatch):
    def absent(name: str):
        if name == "anyio":
            raise PackageNotFoundError(name)
        return real(name)

    real = bundled_module.distribution
    monkeypatch.setattr(bundled_module, "distribution", absent)
    assert "anyio" not in installed_closure("mcp")


@pytest.mark.parametrize("command", ["python", "python3", sys.executable, "${sys.executable}"])
async def test_a_script_runs_where_its_folder_is_mounted(cache, project, command):
    mounts = (Mount(project, "/app"),)
    prepared = await prepare(cache, command, "server.py", "--flag", cwd=str(project), mounts=mounts)
    assert prepared.argv == ("/usr/bin/python3", "server.py", "--flag")
    assert prepared.cwd == "/app"
    assert prepared.mounts[1:] == (Mount(project.resolve(), "/app"),)
    assert prepared.env == {"PYTHONPATH": "/opt/server"}, "such servers need the SDK too"


async def test_paths_of_the_host_are_translated_and_paths_inside_stay(cache, project):
    mounts = (Mount(project, "/app"),)
    by_host = await prepare(cache, "node", str(project / "server.py"), mounts=mounts)
    inside = await prepare(cache, "node", "/app/server.py", cwd="/app", mounts=mounts)
    assert by_host.argv == inside.argv == ("/usr/bin/node", "/app/server.py")
    assert (by_host.cwd, inside.cwd) == (None, "/app")
    assert by_host.mounts == mounts, "node needs nothing of the store"


async def test_a_folder_named_through_a_link_is_the_folder(cache, project, tmp_path):
    (tmp_path / "link").symlink_to(project)
    link = tmp_path / "link"
    prepared = await prepare(cache, "node", "server.js", cwd=str(link), mounts=(Mount(link, "/app"),))
    assert prepared.cwd == "/app"


@pytest.mark.parametrize(
    ("args", "options"),
    [
        (("server.py",), {}),
        (("/home/me/server.py",), {}),
        (("server.py",), {"cwd": "/home/me"}),
        (("server.py",), {"cwd": "relative"}),
        (("/app-2/server.py",), {"mounts": (Mount(Path("/usr/share"), "/app"),)}),
    ],
)
async def test_a_script_that_the_box_cannot_see_is_refused_with_a_hint(cache, args, options):
    with pytest.raises(SandboxError) as caught:
        await prepare(cache, "python3", *args, **options)
    assert "sandbox.mounts" in (caught.value.hint or "") or "absolute" in caught.value.message


async def test_the_interpreters_own_options_pass(cache):
    prepared = await prepare(cache, "python3", "-c", "print(1)")
    assert prepared.argv == ("/usr/bin/python3", "-c", "print(1)")


@pytest.mark.parametrize("command", ["bash", "/home/me/venv/bin/python", "uv", "deno", "npx.cmd", "python2"])
async def test_an_unknown_command_is_refused_with_a_hint(cache, command):
    with pytest.raises(SandboxError, match="cannot be run") as caught:
        await prepare(cache, command, "run", "x")
    assert "sandbox.image" in (caught.value.hint or "")


async def test_with_an_own_image_the_command_runs_in_it(cache):
    prepared = await prepare(
        cache, "bash", "-c", "x", image="mine:1", env={"A": "1"}, cwd="/srv", workspace="/srv"
    )
    assert prepared.argv == ("bash", "-c", "x")
    assert (prepared.root_kind, prepared.image, prepared.origin.asked) == ("image", "mine:1", "mine:1")
    assert (dict(prepared.env), prepared.cwd) == ({"A": "1"}, "/srv")


async def test_on_the_host_any_other_command_runs_as_it_stands(cache):
    prepared = await prepare(cache, "bash", "-c", "x", backend="host", env={"A": "1"}, cwd="/srv")
    assert prepared.argv == ("bash", "-c", "x")
    assert (dict(prepared.env), prepared.cwd, prepared.mounts) == ({"A": "1"}, "/srv", ())
    assert prepared.origin == Origin("command", "bash")


@pytest.mark.parametrize(
    ("command", "options"), [("bash", {"image": "a", "backend": "host"}), ("docker", {"image": "a"})]
)
async def test_contradictions_are_refused(cache, command, options):
    with pytest.raises(SandboxError, match="exclude each other"):
        await prepare(cache, command, "run", "b", **options)


async def test_a_package_manager_that_does_not_end_is_ended(tmp_path):
    with pytest.raises(SandboxError, match="did not finish"):
        await run_package_manager(("sleep", "600"), cwd=tmp_path, what="install x", deadline_seconds=0.1)
