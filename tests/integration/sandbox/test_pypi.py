from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.spec import Origin, SandboxError, StdioServer
from sandbox.store import PackageStore
from sandbox.store.pypi import Requirement, parse_uvx
from sandbox.store.pypi_sets import LOCK_FILE


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    requires: str | None = None,
    scripts: Sequence[str] = (),
    files: Mapping[str, bytes] | None = None,
) -> None:
    """A wheel with one console script, or these, that print their names and arguments."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{module}.py", "import sys\ndef main():\n    print(sys.argv)\n    return 3\n")
        wheel.writestr(f"{info}/METADATA", metadata + (f"Requires-Dist: {requires}\n" if requires else ""))
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        lines = "".join(f"{script}={module}:main\n" for script in scripts or [name])
        wheel.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{lines}")
        for path, content in (files or {}).items():
            wheel.writestr(path, content)
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A package index in a folder, and pip told to use nothing else."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    make_wheel(folder, "demo-server", "1.0.0", requires="demo-library")
    make_wheel(folder, "demo-server", "1.1.0", requires="demo-library")
    make_wheel(folder, "demo-library", "7.0")
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def uvx(*args: str, backend="auto", pin: Origin | None = None) -> StdioServer:
    return StdioServer("time", "uvx", args, backend=backend, pin=pin)


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ("mcp-server-time", "mcp-server-time"),
        ("mcp-server-time@latest", "mcp-server-time"),
        ("mcp-server-time@2026.10.19", "mcp-server-time==2026.10.19"),
        ("mcp-server-time == 2026.10.19", "mcp-server-time==2026.10.19"),
        ("pack[a,b]>=1,<2", "pack[a,b]>=1,<2"),
    ],
)
def test_a_package_of_the_index_is_parsed(text, requirement):
    assert Requirement.parse(text, "uvx").text == requirement


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-r/etc/passwd",
        "--index-url=http://evil",
        "./local",
        "git+https://example.org/a",
        "a @ https://example.org/a.whl",
        "a; python_version<'4'",
        "a\n--pre",
        "a==",
    ],
)
def test_anything_but_a_package_of_the_index_is_refused(text):
    with pytest.raises(SandboxError):
        Requirement.parse(text, "uvx")


def test_the_package_and_more_can_be_named_apart_from_the_program():
    command = parse_uvx(["--from", "pack[x]==1", "--with", "mcp<2,extra", "--with=more", "program", "--flag"])
    assert command.main.text == "pack[x]==1"
    assert [extra.text for extra in command.extra] == ["mcp<2", "extra", "more"]
    assert (command.program, command.args) == ("program", ("--flag",))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("mcp<2", ["mcp<2"]),
        ("mcp>=1.2,<2", ["mcp>=1.2,<2"]),
        ("mcp >=1.2 , <2, httpx", ["mcp>=1.2,<2", "httpx"]),
        ("psycopg[binary,pool],mcp~=1.9,!=1.9.1", ["psycopg[binary,pool]", "mcp~=1.9,!=1.9.1"]),
    ],
)
def test_commas_within_a_requirement_are_told_from_those_between_two(written, meant):
    for flags in (["--with", written], [f"--with={written}"], ["-w", written]):
        command = parse_uvx([*flags, "pack"])
        assert [extra.text for extra in command.extra] == meant
        assert command.main.text == "pack"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            ["--with", "git+https://example.org/a", "pack"],
            "'git+https://example.org/a' is not a package of the index",
        ),
        (["--with", "./local", "pack"], "'./local' is not a package of the index"),
        (["--with", "mcp,,httpx", "pack"], "'' is not a package of the index"),
        (["--with", "mcp<", "pack"], "'mcp<' is not a package of the index"),
        (["--with=", "pack"], "no package is named"),
        (["--with"], "no package follows the flag --with"),
        (["--from"], "no package follows the flag --from"),
        ([*["--with", "a"] * 33, "pack"], "33 requirements stand in --with; 32 may"),
        (["--with", ",".join(["a"] * 1000), "pack"], "1000 requirements stand in --with; 32 may"),
    ],
)
def test_what_stands_in_with_and_is_no_requirement_is_refused_in_words(args, words):
    with pytest.raises(SandboxError, match=re.escape(words)):
        parse_uvx(args)


@pytest.mark.parametrize("flag", ["--python", "--index-url", "--with-editable", "-p", "--refresh"])
def test_an_unknown_flag_of_uvx_is_refused_by_name(flag):
    with pytest.raises(SandboxError, match=flag):
        parse_uvx([flag, "x", "pack"])


async def test_a_package_is_installed_once_and_keeps_its_version(index, tmp_path):
    lines: list[str] = []
    digest, library = (
        sha256(index / f"{name}-py3-none-any.whl") for name in ("demo_server-1.1.0", "demo_library-7.0")
    )
    first = await PackageStore(tmp_path / "cache").prepare(uvx("demo-server", "--flag"), lines.append)
    make_wheel(index, "demo-server", "2.0.0")
    again = await PackageStore(tmp_path / "cache").prepare(uvx("demo-server", "--flag"), lines.append)

    assert first == again
    whole = (f"demo-library 7.0 sha256-{library}", f"demo-server 1.1.0 sha256-{digest}")
    assert first.origin == Origin("pypi", "demo-server", "1.1.0", f"sha256-{digest}", whole)
    assert first.root_kind == "python"
    assert first.argv[0] == "/usr/bin/python3"
    assert first.argv[-1] == "--flag"
    assert first.env == {"PYTHONPATH": "/opt/server"}
    assert lines == ["pip: installing demo-server", "pip: installed demo-server==1.1.0"]
    lock = (first.mounts[0].source / LOCK_FILE).read_text()
    assert lock == f"demo-library==7.0 --hash=sha256:{library}\ndemo-server==1.1.0 --hash=sha256:{digest}\n"
    assert list(first.mounts[0].source.rglob("demo_server*.pyc")), "boxes cannot compile into the store"


async def test_what_is_wanted_beside_a_package_is_resolved_with_it_and_part_of_its_source(index, tmp_path):
    make_wheel(index, "demo-library", "6.0")
    make_wheel(index, "demo-extra", "3.0")
    store = PackageStore(tmp_path / "cache")
    beside = ("--with", "demo-library<7", "--with", "demo-extra")
    prepared = await store.prepare(uvx(*beside, "demo-server", "--flag"), print)
    plain = await store.prepare(uvx("demo-server", "--flag"), print)
    assert prepared.origin.asked == "demo-server demo-library<7 demo-extra"
    assert (prepared.origin.version, prepared.argv[-1]) == ("1.1.0", "--flag")
    assert plain.origin.asked == "demo-server"
    assert plain.mounts != prepared.mounts, "what was resolved otherwise lies in a folder of its own"

    def locked(of) -> list[str]:
        return [line.partition(" ")[0] for line in (of.mounts[0].source / LOCK_FILE).read_text().splitlines()]

    assert locked(prepared) == ["demo-extra==3.0", "demo-library==6.0", "demo-server==1.1.0"]
    assert locked(plain) == ["demo-library==7.0", "demo-server==1.1.0"]


async def test_requirements_that_exclude_each_other_are_a_clear_error(index, tmp_path):
    with pytest.raises(SandboxError, match="demo-library") as caught:
        await PackageStore(tmp_path / "cache").prepare(uvx("--with", "demo-library<7", "demo-server"), print)
    assert "demo-server" in str(caught.value)


async def test_a_package_that_was_locked_keeps_its_version_beside_what_else_is_wanted(index, tmp_path):
    make_wheel(index, "demo-extra", "3.0")
    asked = uvx("--with", "demo-extra", "demo-server")
    locked = (await PackageStore(tmp_path / "cache").prepare(asked, print)).origin
    make_wheel(index, "demo-server", "2.0.0")
    again = await PackageStore(tmp_path / "elsewhere").prepare(replace(asked, pin=locked), print)
    assert again.origin == locked
    less = await PackageStore(tmp_path / "elsewhere").prepare(uvx("demo-server", pin=locked), print)
    assert less.origin.version == "2.0.0", "what was locked was another source"


async def test_the_locked_wheel_is_installed_and_another_one_under_its_name_is_not(index, tmp_path):
    wheel = index / "demo_server-1.0.0-py3-none-any.whl"
    pin = Origin("pypi", "demo-server", "1.0.0", f"sha256-{sha256(wheel)}")
    prepared = await PackageStore(tmp_path / "cache").prepare(uvx("demo-server", pin=pin), print)
    assert (prepared.origin.version, prepared.origin.integrity) == (pin.version, pin.integrity), "not 1.1.0"

    make_wheel(index, "demo-server", "1.0.0", requires="demo-library<8")
    again = await PackageStore(tmp_path / "cache").prepare(uvx("demo-server", pin=pin), print)
    assert again.origin == prepared.origin
    with pytest.raises(SandboxError, match=r"demo-server 1\.0\.0 is not what was locked"):
        await PackageStore(tmp_path / "elsewhere").prepare(uvx("demo-server", pin=pin), print)


async def test_the_program_runs_as_its_console_script_would(index, tmp_path):
    prepared = await PackageStore(tmp_path / "cache").prepare(
        uvx("demo-server==1.0.0", "a", backend="host"), print
    )
    assert prepared.argv[0] == sys.executable
    shadow = tmp_path / "workspace"
    shadow.mkdir()
    (shadow / "demo_server.py").write_text("raise SystemExit('the current folder was imported')")
    done = subprocess.run(
        prepared.argv, env=dict(prepared.env), cwd=shadow, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.returncode) == ("['demo-server', 'a']\n", 3), done.stderr


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("uv", ("tool", "run", "demo-server==1.0.0")),
        ("pipx", ("run", "demo-server==1.0.0")),
        ("pipx", ("run", "--spec", "demo-server==1.0.0", "demo-server")),
    ],
)
async def test_other_spellings_mean_the_same(index, tmp_path, command, args):
    prepared = await PackageStore(tmp_path / "cache").prepare(StdioServer("time", command, args), print)
    assert (prepared.origin.asked, prepared.origin.version) == ("demo-server==1.0.0", "1.0.0")


async def test_a_package_that_is_not_there_is_a_clear_error(index, tmp_path):
    with pytest.raises(SandboxError, match="no-such-package"):
        await PackageStore(tmp_path / "cache").prepare(uvx("no-such-package"), print)


async def test_a_program_that_the_package_lacks_is_a_clear_error(index, tmp_path):
    with pytest.raises(SandboxError) as caught:
        await PackageStore(tmp_path / "cache").prepare(uvx("--from", "demo-server", "other"), print)
    assert "demo-server" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["demo-server", "Demo_Server"])
async def test_a_package_with_one_program_of_another_name_means_that(index, tmp_path, name):
    make_wheel(index, "demo-server", "3.0.0", scripts=["azure"])
    store = PackageStore(tmp_path / "cache")
    prepared = await store.prepare(uvx(f"{name}==3.0.0", "start"), print)
    assert prepared.argv[-1] == "start"
    assert "sys.argv[0] = 'azure'" in prepared.argv[-2]
    with pytest.raises(SandboxError, match="no program 'other'"):
        await store.prepare(uvx("--from", "demo-server==3.0.0", "other"), print)
    make_wheel(index, "demo-server", "4.0.0", scripts=["azure", "cloud"])
    with pytest.raises(SandboxError) as caught:
        await store.prepare(uvx("demo-server==4.0.0"), print)
    assert "azure, cloud" in (caught.value.hint or "")


async def test_programs_in_wheels_can_be_executed_though_the_wheel_does_not_say_so(index, tmp_path):
    """Their scripts make them executable when they start, unless they are, and in a box that cannot be."""
    files = {
        "demo_server_bin/program": b"\x7fELF\x02\x01",
        "demo_server_bin/data": b"\x7fEL",
        "demo_server_bin/empty": b"",
    }
    make_wheel(index, "demo-server", "5.0.0", files=files)
    prepared = await PackageStore(tmp_path / "cache").prepare(uvx("demo-server==5.0.0"), print)
    folder = prepared.mounts[0].source / "demo_server_bin"
    modes = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
    assert modes == {"program": 0o555, "data": 0o444, "empty": 0o444}


async def test_an_own_import_path_comes_first(index, tmp_path):
    server = StdioServer("time", "uvx", ("demo-server",), env={"PYTHONPATH": "/app"})
    prepared = await PackageStore(tmp_path / "cache").prepare(server, print)
    assert prepared.env["PYTHONPATH"] == "/app:/opt/server"
