"""All packages of an installation, held to what was locked: by the real npm and the real pip."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from sandbox.spec import Origin, SandboxError, StdioServer
from sandbox.store import PackageStore, npm
from sandbox.store.npm_sets import npm_packages, write_npm_lock
from sandbox.store.package_sets import MOST_PACKAGES
from sandbox.store.pypi_sets import locked_requirements
from sandbox.store.shelf import Request, Shelf
from tests.integration.sandbox.test_pypi import index, make_wheel, sha256
from tests.support.npm_registry import serving_registry

__all__ = ["index"]

real_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine")


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A server that needs two packages, of which one needs another version of the other."""
    with serving_registry() as registry:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", registry.url)
        monkeypatch.setenv("NPM_CONFIG_CACHE", str(tmp_path / "npm-cache"))
        registry.publish("@it/base", "1.0.0", code="old")
        registry.publish("@it/base", "2.0.0", code="new")
        registry.publish("helper", "1.0.0", needs={"@it/base": "^1.0.0"})
        registry.publish("files", "1.0.0", needs={"@it/base": "^2.0.0", "helper": "*", "renamed": "npm:helper@*"})
        yield registry


def npx(pin: Origin | None = None) -> StdioServer:
    return StdioServer("files", "npx", ("-y", "files"), pin=pin)


def contents(folder: Path) -> dict[str, str]:
    """Each file of an installation, without what npm and pip keep for themselves."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in files
        if path.suffix in (".js", ".py", ".json") and path.parent != folder and path.name != ".package-lock.json"
    }


async def prepare(server: StdioServer, cache: Path):
    prepared = await PackageStore(cache).prepare(server, print)
    return prepared.origin, prepared.mounts[0].source


@real_npm
async def test_npm_tells_of_all_packages_where_they_lie_and_what_they_are(registry, tmp_path):
    origin, _ = await prepare(npx(), tmp_path / "here")
    of = registry.integrity
    assert origin.packages == tuple(
        sorted(
            [
                f"@it/base 2.0.0 {of('@it/base', '2.0.0')}",
                f"files 1.0.0 {of('files', '1.0.0')}",
                f"helper 1.0.0 {of('helper', '1.0.0')}",
                f"helper/node_modules/@it/base 1.0.0 {of('@it/base', '1.0.0')}",
                f"renamed npm:helper@1.0.0 {of('helper', '1.0.0')}",
                f"renamed/node_modules/@it/base 1.0.0 {of('@it/base', '1.0.0')}",
            ]
        )
    )


@real_npm
async def test_on_another_machine_npm_installs_the_same_though_there_is_something_newer(registry, tmp_path):
    origin, folder = await prepare(npx(), tmp_path / "here")
    registry.publish("@it/base", "1.0.1", code="newer")
    registry.publish("@it/base", "2.1.0", code="newer", needs={"files": "*"})
    registry.publish("helper", "1.5.0")
    registry.publish("files", "1.1.0")
    again, other = await prepare(npx(origin), tmp_path / "elsewhere")
    assert again == origin
    assert contents(other) == contents(folder)
    assert (await prepare(npx(), tmp_path / "third"))[0] != origin


@real_npm
async def test_other_content_of_a_package_that_npm_needs_is_refused_and_nothing_is_kept(registry, tmp_path):
    origin, _ = await prepare(npx(), tmp_path / "here")
    registry.publish("@it/base", "1.0.0", code="evil")
    shutil.rmtree(tmp_path / "npm-cache")
    with pytest.raises(SandboxError, match="EINTEGRITY") as caught:
        await prepare(npx(origin), tmp_path / "elsewhere")
    assert "lock the server where it runs" in (caught.value.hint or "")
    shelf = tmp_path / "elsewhere" / "store" / "npm"
    assert [path.name for path in shelf.iterdir() if not path.name.startswith(".")] == []


@real_npm
async def test_an_installation_of_before_with_other_packages_is_not_run_once_they_are_locked(registry, tmp_path):
    origin, _ = await prepare(npx(), tmp_path / "here")
    registry.publish("helper", "1.5.0")
    there, _ = await prepare(npx(), tmp_path / "elsewhere")
    assert there.packages != origin.packages
    assert (await prepare(npx(origin), tmp_path / "elsewhere"))[0] == origin
    assert (await prepare(npx(there), tmp_path / "elsewhere"))[0] == there


@real_npm
async def test_what_was_locked_without_its_packages_is_installed_as_before(registry, tmp_path):
    origin, _ = await prepare(npx(), tmp_path / "here")
    registry.publish("helper", "1.5.0")
    again, _ = await prepare(npx(replace(origin, packages=None)), tmp_path / "elsewhere")
    assert (again.version, again.integrity) == (origin.version, origin.integrity)
    assert again.packages != origin.packages


def hidden_lock(folder: Path, entries: object) -> Path:
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / ".package-lock.json").write_text(json.dumps({"packages": entries}))
    return folder


def test_what_lies_within_an_archive_is_a_part_of_that_package(tmp_path):
    bundled = {"version": "2.0.0", "inBundle": True}
    whole = {"version": "1.0.0", "integrity": "sha512-a=="}
    entries = {"node_modules/a": whole, "node_modules/a/node_modules/b": bundled}
    assert npm_packages(hidden_lock(tmp_path, entries)) == ("a 1.0.0 sha512-a==",)


@pytest.mark.parametrize(
    "entries",
    [
        {"node_modules/a": {"version": "1.0.0", "resolved": "git+ssh://git@example.com/a.git"}},
        {"node_modules/a": {"link": True}},
        {"../a": {"version": "1.0.0", "integrity": "sha512-a"}},
        {"node_modules/a": {"version": "file:../a", "integrity": "sha512-a"}},
        {"node_modules/a": None},
        [],
    ],
)
def test_of_what_did_not_come_from_a_registry_not_all_is_known(tmp_path, entries):
    assert npm_packages(hidden_lock(tmp_path, entries)) is None


@pytest.mark.parametrize(
    "line",
    [
        "a",
        "a 1.0.0",
        "a 1.0.0 md5-x",
        "../a 1.0.0 sha512-x",
        "a/../../b 1.0.0 sha512-x",
        "a/b/c 1.0.0 sha512-x",
        ".. 1.0.0 sha512-x",
        "a/node_modules/.. 1.0.0 sha512-x",
        "@a/.. 1.0.0 sha512-x",
        ".bin 1.0.0 sha512-x",
        "a npm:..@1.0.0 sha512-x",
        "a git+ssh://example.com/a sha512-x",
        "a npm:../b@1.0.0 sha512-x",
        "a 1.0.0 sha512-x\nb",
    ],
)
def test_npm_is_told_of_nothing_that_is_no_package_of_a_registry(tmp_path, line):
    with pytest.raises(SandboxError, match="which is none"):
        write_npm_lock(tmp_path, [line])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "line",
    [
        "a 1.0 sha512-x",
        f"a 1.0 sha256-{'0' * 63}",
        f"a 1.0,<2 sha256-{'0' * 64}",
        f"a@https://example.com 1.0 sha256-{'0' * 64}",
        f"--index-url 1.0 sha256-{'0' * 64}",
        f"a 1.0 sha256-{'0' * 64}\n-r more",
    ],
)
def test_pip_is_told_of_nothing_that_is_no_wheel_of_an_index(line):
    with pytest.raises(SandboxError, match="which is none"):
        locked_requirements([line])


def test_there_is_a_bound_on_the_packages_of_a_server():
    with pytest.raises(SandboxError, match="more than 5000"):
        locked_requirements([f"a 1.0 sha256-{'0' * 64}"] * (MOST_PACKAGES + 1))


def uvx(pin: Origin | None = None) -> StdioServer:
    return StdioServer("time", "uvx", ("demo-server",), pin=pin)


async def test_pip_tells_of_all_wheels_and_installs_the_same_on_another_machine(index, tmp_path):
    origin, folder = await prepare(uvx(), tmp_path / "here")
    wheels = {
        name: sha256(index / f"{name}-py3-none-any.whl") for name in ("demo_server-1.1.0", "demo_library-7.0")
    }
    assert origin.packages == (
        f"demo-library 7.0 sha256-{wheels['demo_library-7.0']}",
        f"demo-server 1.1.0 sha256-{wheels['demo_server-1.1.0']}",
    )
    make_wheel(index, "demo-library", "8.0")
    make_wheel(index, "demo-server", "1.2.0")
    again, other = await prepare(uvx(origin), tmp_path / "elsewhere")
    assert again == origin
    assert contents(other) == contents(folder)
    assert (await prepare(uvx(), tmp_path / "third"))[0] != origin


async def test_another_wheel_of_a_package_that_pip_needs_is_refused(index, tmp_path):
    origin, _ = await prepare(uvx(), tmp_path / "here")
    make_wheel(index, "demo-library", "7.0", requires="demo-server")
    with pytest.raises(SandboxError, match=r"demo.library") as caught:
        await prepare(uvx(origin), tmp_path / "elsewhere")
    assert "lock the server where it runs" in (caught.value.hint or "")


async def test_nothing_comes_that_was_not_locked(index, tmp_path):
    origin, _ = await prepare(uvx(), tmp_path / "here")
    fewer = replace(origin, packages=(origin.packages or ())[1:])
    again, folder = await prepare(uvx(fewer), tmp_path / "elsewhere")
    assert again == fewer
    assert not list(folder.rglob("demo_library*"))


async def test_nothing_is_believed_that_a_wheel_says_of_digests_where_uv_tells_none(index, tmp_path, monkeypatch):
    said = {
        "metadata": {"name": "demo-server"},
        "download_info": {"archive_info": {"hashes": {"sha256": "0" * 64}}},
    }
    report = {"toolgate.report.json": json.dumps({"install": [said]}).encode()}
    make_wheel(index, "demo-server", "2.0.0", files=report)
    fake = tmp_path / "bin" / "uv"
    fake.parent.mkdir()
    unpack = "import sys, zipfile\nzipfile.ZipFile(WHEEL).extractall(sys.argv[sys.argv.index('--target') + 1])\n"
    wheel = str(index / "demo_server-2.0.0-py3-none-any.whl")
    fake.write_text(f"#!{sys.executable}\n{unpack.replace('WHEEL', repr(wheel))}")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    origin, _ = await prepare(uvx(), tmp_path / "here")
    assert (origin.version, origin.integrity, origin.packages) == ("2.0.0", None, None)


@pytest.mark.parametrize("version", ["1.0/../../../outside", "..", "", "1.0\n", "é", "1" * 200])
async def test_a_version_that_is_none_is_refused_and_nothing_is_kept(tmp_path, version):
    async def install(folder: Path) -> str:
        return version

    root = tmp_path / "shelf"
    (root / "a@1.0").mkdir(parents=True)
    with pytest.raises(SandboxError, match="which is none"):
        await Shelf(root).get(Request("a", ("a",), "test"), install)
    assert [path.name for path in tmp_path.iterdir()] == ["shelf"]
    assert sorted(path.name for path in root.iterdir()) == [".locks", ".partial", "a@1.0"]


@real_npm
@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"name": "files", "version": "1.0/../../../outside"}, "which is none"),
        ({"name": "files"}, "does not say its version"),
        (["files"], "is no object"),
        ("files", "is no object"),
    ],
)
async def test_a_package_of_npm_that_says_nonsense_of_itself_is_refused_in_words(
    registry, tmp_path, manifest, words
):
    registry.archive("files", "1.0.0", {"package.json": json.dumps(manifest), "main.js": ""})
    with pytest.raises(SandboxError, match=words):
        await prepare(npx(), tmp_path / "here")


@real_npm
@pytest.mark.skipif(shutil.which("git") is None, reason="git is not on this machine")
@pytest.mark.parametrize("without", ["", "--allow-git=none"], ids=["npm of today", "older npm"])
async def test_nothing_is_run_of_what_a_package_needs_from_git(registry, tmp_path, monkeypatch, without):
    """npm runs itself in what git gave it, with the settings that lie there: among them, which program git is."""
    monkeypatch.setattr(npm, "_INSTALL_FLAGS", [flag for flag in npm._INSTALL_FLAGS if flag != without])
    ran, repository = tmp_path / "ran", tmp_path / "repository"
    repository.mkdir()
    other = {"devDependencies": {"x": f"git+file://{tmp_path}/nothing"}, "scripts": {"prepare": f"touch {ran}"}}
    (repository / "package.json").write_text(json.dumps({"name": "other", "version": "1.0.0", **other}))
    (repository / "own-git").write_text(f"#!/bin/sh\ntouch {ran}\n")
    (repository / "own-git").chmod(0o755)
    (repository / ".npmrc").write_text("git=./own-git\n")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "x")):
        argv = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", *command]
        await anyio.run_process(argv, cwd=repository)
    registry.publish("files", "1.0.0", needs={"other": f"git+file://{repository}"})
    with pytest.raises(SandboxError, match="could not install files"):
        await prepare(npx(), tmp_path / "here")
    assert not ran.exists()


async def test_nothing_is_built_of_what_a_wheel_needs_by_url(index, tmp_path):
    ran, source = tmp_path / "ran", tmp_path / "source"
    source.mkdir()
    system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    (source / "pyproject.toml").write_text(system)
    (source / "backend.py").write_text(f"open({str(ran)!r}, 'w')\n")
    make_wheel(index, "demo-server", "2.0.0", requires=f"other @ file://{source}")
    with pytest.raises(SandboxError, match="has to be a wheel, too"):
        await prepare(uvx(), tmp_path / "here")
    assert not ran.exists()
