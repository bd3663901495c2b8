from __future__ import annotations

import json
import os
from pathlib import Path

import anyio
import pytest

from sandbox.spec import Origin, SandboxError, StdioServer
from sandbox.store import PackageStore
from sandbox.store.npm import NpmSpec, find_program, parse_npx

FAKE_NPM = r"""#!/usr/bin/env python3
import json, os, pathlib, sys
log = pathlib.Path(os.environ["HOME"], "npm.log")
with log.open("a") as file:
    file.write(json.dumps({"argv": sys.argv[1:], "env": sorted(os.environ)}) + "\n")
if pathlib.Path(os.environ["HOME"], "broken").exists():
    pathlib.Path("half-done").write_text("x")
    sys.exit("npm error 404 no such package")
newest = pathlib.Path(os.environ["HOME"], "newest")
poison = "evil-" if pathlib.Path(os.environ["HOME"], "poisoned").exists() else ""
hidden = {}
for spec in sys.argv[sys.argv.index("--") + 1:]:
    name, _, wanted = spec[1:].partition("@")
    name = spec[0] + name
    version = newest.read_text() if newest.exists() else "1.4.2"
    version = wanted if wanted[:1].isdigit() else version
    package = pathlib.Path("node_modules", name)
    package.mkdir(parents=True)
    package.joinpath("main.js").write_text("")
    package.joinpath("package.json").write_text(json.dumps({"version": version, "bin": "main.js"}))
    hidden[f"node_modules/{name}"] = {"version": version, "integrity": f"sha512-{poison}of-{version}"}
pathlib.Path("node_modules", ".package-lock.json").write_text(json.dumps({"packages": hidden}))
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home whose `npm` is ours and writes down how it was called."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    npm = bin_folder / "npm"
    npm.write_text(FAKE_NPM)
    npm.chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{bin_folder}:{os.environ['PATH']}")
    return tmp_path


def calls(home: Path) -> list[dict]:
    log = home / "npm.log"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def npx(*args: str) -> StdioServer:
    return StdioServer("files", "npx", args)


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("cowsay", "cowsay", None),
        ("@scope/name", "@scope/name", None),
        ("@scope/name@1.2.3-beta.1", "@scope/name", "1.2.3-beta.1"),
        ("name@latest", "name", "latest"),
        ("name@^1.2 || >=3 <4", "name", "^1.2 || >=3 <4"),
    ],
)
def test_a_package_of_the_registry_is_parsed(text, name, version):
    assert NpmSpec.parse(text) == NpmSpec(name, version)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-g",
        "--prefix=/etc",
        "./local",
        "../up",
        "/abs/olute",
        "github:user/repo",
        "user/repo",
        "git+https://example.org/a.git",
        "https://example.org/a.tgz",
        "name@file:../x",
        "name@npm:other",
        "name@-x",
        "@scope",
        "@scope/",
        ".hidden",
        "name\n--force",
        "näme",
    ],
)
def test_anything_but_a_package_of_the_registry_is_refused(text):
    with pytest.raises(SandboxError):
        NpmSpec.parse(text)


def test_everything_after_the_package_belongs_to_the_program():
    command = parse_npx(["-y", "@s/files@1", "--root", "/workspace", "-p"])
    assert command.packages == (NpmSpec("@s/files", "1"),)
    assert command.program is None
    assert command.args == ("--root", "/workspace", "-p")


@pytest.mark.parametrize(
    "args", [["-p", "a", "-p", "b@2", "run", "x"], ["--package=a", "--package", "b@2", "run", "x"]]
)
def test_packages_can_be_named_apart_from_the_program(args):
    command = parse_npx(args)
    assert [str(package) for package in command.packages] == ["a", "b@2"]
    assert (command.program, command.args) == ("run", ("x",))


@pytest.mark.parametrize(
    "args", [["-c", "rm -rf /"], ["--registry=http://evil", "x"], ["--node-options=--inspect", "x"]]
)
def test_an_unknown_flag_of_npx_is_refused_by_name(args):
    with pytest.raises(SandboxError, match=args[0].partition("=")[0]):
        parse_npx(args)


def test_npx_without_a_package_is_refused():
    with pytest.raises(SandboxError, match="no package"):
        parse_npx(["-y"])


async def test_npm_installs_once_without_scripts_and_the_answer_says_the_exact_version(home):
    lines: list[str] = []
    store = PackageStore(home / "cache")
    first = await store.prepare(npx("-y", "@s/files@latest", "/workspace"), lines.append)
    again = await PackageStore(home / "cache").prepare(npx("-y", "@s/files@latest", "/workspace"), lines.append)

    assert first == again
    whole = ("@s/files 1.4.2 sha512-of-1.4.2",)
    assert first.origin == Origin("npm", "@s/files@latest", "1.4.2", "sha512-of-1.4.2", whole)
    assert first.argv == ("/usr/bin/node", "/opt/server/node_modules/@s/files/main.js", "/workspace")
    assert first.root_kind == "node"
    assert [(mount.target, mount.writable) for mount in first.mounts] == [("/opt/server", False)]
    [call] = calls(home)
    assert "--ignore-scripts" in call["argv"]
    assert call["argv"][-2:] == ["--", "@s/files@latest"]
    assert lines == ["npm: installing @s/files@latest", "npm: installed @s/files@1.4.2"]


async def test_npm_sees_nothing_of_the_gateways_secrets(home, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("npm_config_registry", "http://registry.test")
    server = StdioServer("files", "npx", ("files",), env={"TOKEN": "secret"})
    prepared = await PackageStore(home / "cache").prepare(server, print)
    [call] = calls(home)
    assert not {"OPENAI_API_KEY", "TOKEN"} & set(call["env"])
    assert "npm_config_registry" in call["env"]
    assert prepared.env == {"TOKEN": "secret"}
    assert "secret" not in repr(prepared)


async def test_an_installation_is_read_only(home):
    prepared = await PackageStore(home / "cache").prepare(npx("files"), print)
    folder = prepared.mounts[0].source
    writable = [path for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o222]
    assert writable == []
    assert all(path.stat().st_mode & 0o004 for path in folder.rglob("*")), "boxes run as another user"


async def test_a_failed_installation_leaves_nothing_and_says_why(home):
    (home / "broken").touch()
    store = PackageStore(home / "cache")
    with pytest.raises(SandboxError, match="404 no such package"):
        await store.prepare(npx("files"), print)
    shelf = home / "cache" / "store" / "npm"
    assert [path.name for path in shelf.iterdir() if not path.name.startswith(".")] == []
    assert list((shelf / ".partial").iterdir()) == []

    (home / "broken").unlink()
    assert (await store.prepare(npx("files"), print)).origin.version == "1.4.2"


async def test_what_a_crash_left_behind_does_not_get_in(home):
    store = PackageStore(home / "cache")
    done = (await store.prepare(npx("files"), print)).mounts[0].source
    digest = done.name.rpartition("-")[2]
    shelf = done.parent
    (shelf / ".requests" / f"{digest}.json").write_text("{ torn")
    leftover = shelf / ".partial" / digest
    leftover.mkdir()
    (leftover / "leftover").touch()

    again = (await store.prepare(npx("files"), print)).mounts[0].source
    assert again == done
    assert not (again / "leftover").exists()
    assert (again / "node_modules/files/main.js").exists()


async def test_concurrent_starts_install_once(home):
    async def prepare():
        await PackageStore(home / "cache").prepare(npx("files"), print)

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(prepare)
    assert len(calls(home)) == 1


async def test_a_machine_without_npm_gets_a_hint(home, monkeypatch):
    monkeypatch.setenv("PATH", str(home / "nothing"))
    with pytest.raises(SandboxError) as caught:
        await PackageStore(home / "cache").prepare(npx("files"), print)
    assert "install npm" in (caught.value.hint or "")


async def test_on_the_host_the_package_runs_from_the_store(home):
    server = StdioServer("files", "npx", ("files", "x"), backend="host")
    prepared = await PackageStore(home / "cache").prepare(server, print)
    interpreter, script, *args = prepared.argv
    assert Path(interpreter).name == "node"
    assert Path(script).is_file()
    assert Path(script).is_relative_to(home / "cache")
    assert args == ["x"]


def pinned(*args: str, **origin: str) -> StdioServer:
    return StdioServer("files", "npx", args, pin=Origin("npm", **origin))


FIRST = {"asked": "files@latest", "version": "1.4.2", "integrity": "sha512-of-1.4.2"}


async def test_what_was_locked_is_installed_though_there_is_something_newer(home):
    (home / "newest").write_text("2.0.0")
    prepared = await PackageStore(home / "cache").prepare(pinned("files@latest", **FIRST), print)
    assert prepared.origin == Origin("npm", **FIRST, packages=("files 1.4.2 sha512-of-1.4.2",))
    assert calls(home)[0]["argv"][-1] == "files@1.4.2"


async def test_an_installation_that_is_what_was_locked_is_used_as_it_is(home):
    store = PackageStore(home / "cache")
    first = await store.prepare(npx("files@latest"), print)
    assert (await store.prepare(pinned("files@latest", **FIRST), print)).mounts == first.mounts
    assert len(calls(home)) == 1


async def test_another_content_under_the_locked_version_is_refused_and_not_kept(home):
    (home / "poisoned").touch()
    store = PackageStore(home / "cache")
    for _ in range(2):
        with pytest.raises(
            SandboxError, match=r"not what was locked.*sha512-evil-of-1\.4\.2.*locked is sha512-of-1"
        ):
            await store.prepare(pinned("files@latest", **FIRST), print)
    (home / "poisoned").unlink()
    assert (await store.prepare(pinned("files@latest", **FIRST), print)).origin.integrity == "sha512-of-1.4.2"


async def test_a_poisoned_installation_of_before_is_not_run_once_a_lock_says_otherwise(home):
    (home / "poisoned").touch()
    store = PackageStore(home / "cache")
    await store.prepare(npx("files@latest"), print)
    (home / "poisoned").unlink()
    prepared = await store.prepare(pinned("files@latest", **FIRST), print)
    assert prepared.origin.integrity == "sha512-of-1.4.2"


async def test_a_command_that_asks_for_something_else_than_was_locked_gets_that(home):
    prepared = await PackageStore(home / "cache").prepare(pinned("files@3.0.0", **FIRST), print)
    assert (prepared.origin.asked, prepared.origin.integrity) == ("files@3.0.0", "sha512-of-3.0.0")


def package(folder: Path, name: str, bins: object) -> None:
    home = folder / "node_modules" / name
    home.mkdir(parents=True)
    for script in ("a.js", "b.js"):
        (home / script).touch()
    (home / "package.json").write_text(json.dumps({"version": "1.0.0", "bin": bins}))


@pytest.mark.parametrize(
    ("bins", "program", "expected"),
    [
        ({"other": "a.js"}, None, "a.js"),
        ({"files": "a.js", "more": "b.js"}, None, "a.js"),
        ({"one": "a.js", "two": "./a.js"}, None, "a.js"),
        ({"one": "a.js", "two": "b.js"}, "two", "b.js"),
        ("a.js", "files", "a.js"),
    ],
)
def test_the_program_is_chosen_as_npx_does(tmp_path, bins, program, expected):
    package(tmp_path, "@s/files", bins)
    args = ["-p", "@s/files", program] if program else ["@s/files"]
    assert find_program(tmp_path, parse_npx(args)).name == expected


@pytest.mark.parametrize(
    "bins",
    [
        None,
        {},
        {"one": "a.js", "two": "b.js"},
        {"files": "../../../x.js"},
        {"files": "/bin/sh"},
        {"files": "no.js"},
    ],
)
def test_a_package_without_an_obvious_program_is_refused(tmp_path, bins):
    package(tmp_path, "@s/files", bins)
    with pytest.raises(SandboxError, match="no program"):
        find_program(tmp_path, parse_npx(["@s/files"]))
