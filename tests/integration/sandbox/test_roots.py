from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from sandbox.roots import RuntimeRoots, environment_inside
from sandbox.roots import node as node_module
from sandbox.roots.libraries import parse_ldd
from sandbox.roots.node import describe_node
from sandbox.roots.plan import Plan, carry_out, in_usr
from sandbox.roots.python import PythonInstallation, describe_python, plan_python
from sandbox.roots.system import CA_BUNDLE, plan_system
from sandbox.spec import Root, SandboxError

linux_only = pytest.mark.skipif(shutil.which("ldd") is None, reason="needs ldd, as every Linux with glibc has it")

LDD = """/usr/bin/a:
\tlinux-vdso.so.1 (0x00007ffc5d9f2000)
\tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f2f3a5c0000)
\tlibmissing.so.9 => not found
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f2f3a3df000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f2f3a5f1000)
/usr/bin/b:
\tnot a dynamic executable
\tlibz.so.1 => /opt/other/libz.so.1 (0x00007f2f3a5c0000)
"""


def test_what_ldd_says_is_read_for_many_programs_at_once():
    libraries, loader = parse_ldd(LDD.splitlines())
    assert libraries == {
        "libz.so.1": Path("/lib/x86_64-linux-gnu/libz.so.1"),
        "libc.so.6": Path("/lib/x86_64-linux-gnu/libc.so.6"),
    }
    assert loader == Path("/lib64/ld-linux-x86-64.so.2")


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("/lib/x/libc.so.6", "/usr/lib/x/libc.so.6"),
        ("/lib64/ld.so", "/usr/lib64/ld.so"),
        ("/usr/lib/libc.so.6", "/usr/lib/libc.so.6"),
        ("/library/x", "/library/x"),
        ("/etc/passwd", "/etc/passwd"),
    ],
)
def test_a_root_has_its_programs_and_libraries_in_usr(path, inside):
    assert in_usr(path) == inside


def test_a_plan_is_carried_out_to_the_letter(tmp_path):
    source = tmp_path / "tool-1.2"
    source.write_text("#!\n")
    source.chmod(0o700)
    (tmp_path / "tool").symlink_to(source)
    plan = Plan(texts={"/etc/hosts": "x"}, links={"/usr/bin/t": "tool"}, folders={"/tmp"})
    plan.copy(tmp_path / "tool", "/bin/tool")
    plan.copy(tmp_path / "absent", "/bin/tool")  # what was planned first stays
    folder = tmp_path / "root"
    folder.mkdir()
    carry_out(plan, folder)
    assert (folder / "usr/bin/tool").read_text() == "#!\n"
    assert not (folder / "usr/bin/tool").is_symlink()
    assert stat.S_IMODE((folder / "bin/t").stat().st_mode) == 0o555
    assert (folder / "bin").readlink() == Path("usr/bin")
    assert (folder / "etc/hosts").read_text() == "x"
    assert (folder / "tmp").is_dir()
    assert not (folder / "lib").exists()


def test_a_plan_has_another_digest_once_a_source_has_changed(tmp_path):
    source = tmp_path / "libc.so.6"
    source.write_text("one")
    plan = Plan()
    plan.copy(source, "/lib/libc.so.6")
    before = plan.digest()
    assert plan.digest() == before
    source.write_text("other")
    assert plan.digest() != before


@pytest.mark.parametrize(
    ("uid", "accounts"), [(65534, ["root", "nobody"]), (1000, ["root", "nobody", "box"]), (0, ["root", "nobody"])]
)
def test_the_boxs_user_has_an_account(tmp_path, uid, accounts):
    plan = Plan()
    plan_system(plan, uid=uid, gid=uid, zones=tmp_path)
    lines = [line.split(":") for line in plan.texts["/etc/passwd"].splitlines()]
    assert [line[0] for line in lines] == accounts
    assert all(len(line) == 7 and line[6] == "/usr/sbin/nologin" for line in lines)
    assert uid in [int(line[2]) for line in lines]
    assert uid in [int(line.split(":")[2]) for line in plan.texts["/etc/group"].splitlines()]


def test_time_zones_come_along_but_not_twice_and_nothing_from_elsewhere(tmp_path):
    zones = tmp_path / "zoneinfo"
    for name in ("Asia/Tokyo", "right/Asia/Tokyo", "posix/Asia/Tokyo"):
        (zones / name).parent.mkdir(parents=True)
        (zones / name).touch()
    (zones / "Japan").symlink_to("Asia/Tokyo")
    (tmp_path / "outside").touch()
    (zones / "localtime").symlink_to(tmp_path / "outside")
    plan = Plan()
    plan_system(plan, uid=1, gid=1, zones=zones)
    found = {Path(target).name for target in plan.copies if target.startswith("/usr/share/zoneinfo/")}
    assert found == {"Tokyo", "Japan"}


def test_the_operators_certificates_are_preferred(tmp_path, monkeypatch):
    bundle = tmp_path / "own.pem"
    bundle.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    plan = Plan()
    plan_system(plan, uid=1, gid=1, zones=tmp_path / "none")
    assert plan.copies[CA_BUNDLE] == bundle


@linux_only
def test_a_python_is_taken_without_what_a_server_does_not_need(tmp_path):
    library = tmp_path / "lib/python3.9"
    for name in (
        "os.py",
        "json/decoder.py",
        "json/tests/test_x.py",
        "test/support.py",
        "site-packages/big.py",
        "idlelib/run.py",
        "config-3.9-x/libpython.a",
        "lib-dynload/_tkinter.cpython-39.so",
        "lib-dynload/_testcapi.cpython-39.so",
        "__pycache__/os.cpython-39.pyc",
        "sitecustomize.py",
    ):
        (library / name).parent.mkdir(parents=True, exist_ok=True)
        (library / name).touch()
    (tmp_path / "usercustomize.py").touch()
    plan = Plan()
    executable = Path(sys.executable).resolve()
    plan_python(plan, PythonInstallation("3.9.1", executable, library, library / "lib-dynload", "lib/python3.9"))
    taken = {target for target in plan.copies if target.startswith("/usr/lib/python3.9/")}
    assert taken == {"/usr/lib/python3.9/os.py", "/usr/lib/python3.9/json/decoder.py"}
    assert plan.copies["/usr/bin/python3"] == executable
    assert any(Path(target).name == "libc.so.6" for target in plan.copies)


def test_an_interpreter_that_does_not_run_is_named():
    with pytest.raises(SandboxError, match="cannot use /bin/false for boxes: it does not run: exit status 1"):
        describe_python(Path("/bin/false"))


def test_a_virtual_environment_leads_to_its_base(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    base, own = describe_python(Path(sys.executable)), describe_python(tmp_path / "venv/bin/python")
    assert own == base
    assert not str(own.library).startswith(str(tmp_path))


@linux_only
async def test_a_root_is_assembled_once_and_runs_where_its_source_is_closed_to_the_box(tmp_path):
    """What is copied must not point back to where it came from, so it is run with nothing else in sight."""
    lines: list[str] = []
    roots = RuntimeRoots(tmp_path / "cache")
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(roots.ensure, "python", lines.append)
    root = await RuntimeRoots(tmp_path / "cache").ensure("python", lines.append)
    assert len(lines) == 1, lines
    assert root.kind == "python"
    assert root.folder.parent == tmp_path / "cache/roots"
    for inside, folders, files in os.walk(root.folder):
        for path in (Path(inside, name) for name in (*folders, *files)):
            assert path.is_symlink() or path.stat().st_mode & 0o222 == 0, path
            assert path.is_symlink() or path.stat().st_mode & 0o004, path
            assert not path.is_symlink() or not path.readlink().is_absolute(), path
    compiled = sorted((root.folder / describe_python(Path(sys.executable)).folder).rglob("*.pyc"))
    assert len(compiled) > 300
    assert not list(root.folder.rglob("test_*.py"))
    names = {path.name for path in root.folder.rglob("*.so*")}
    assert {"libc.so.6", "libgcc_s.so.1", "libm.so.6"} <= names


async def test_a_root_that_was_removed_is_assembled_again(tmp_path, monkeypatch):
    lines: list[str] = []
    roots = RuntimeRoots(tmp_path)
    monkeypatch.setattr(roots, "_plan", lambda kind: ("1.0", Plan(texts={"/etc/hosts": ""})))
    first = await roots.ensure("node", lines.append)
    assert await roots.ensure("node", lines.append) == first
    first.folder.chmod(0o755)
    shutil.rmtree(first.folder)
    assert (await roots.ensure("node", lines.append)).folder.is_dir()
    assert len(lines) == 2


async def test_a_cache_that_cannot_be_written_is_an_error_of_ours(tmp_path, monkeypatch):
    (tmp_path / "roots").touch()
    roots = RuntimeRoots(tmp_path)
    monkeypatch.setattr(roots, "_plan", lambda kind: ("1.0", Plan()))
    with pytest.raises(SandboxError, match="could not assemble the root file system for node"):
        await roots.ensure("node")


def test_without_node_the_error_says_so():
    with pytest.raises(SandboxError, match=r"needs Node\.js"):
        describe_node("no-such-node")


def test_a_distributions_node_brings_the_modules_that_were_taken_out_of_it(tmp_path, monkeypatch):
    module = tmp_path / "undici" / "undici-fetch.js"
    module.parent.mkdir()
    module.touch()
    monkeypatch.setattr(node_module, "_SHARED", tmp_path)
    monkeypatch.setattr(node_module, "plan_libraries", lambda plan, programs: None)
    plan = Plan()
    node_module.plan_node(plan, node_module.NodeInstallation("18.1.0", module))
    assert plan.copies[str(module)] == module


@pytest.mark.parametrize(("kind", "variable"), [("python", "SSL_CERT_FILE"), ("node", "NODE_EXTRA_CA_CERTS")])
def test_certificates_are_announced_where_there_are_any(tmp_path, kind, variable):
    assert variable not in environment_inside(Root(kind, folder=tmp_path))
    bundle = tmp_path / CA_BUNDLE.lstrip("/")
    bundle.parent.mkdir(parents=True)
    bundle.touch()
    assert environment_inside(Root(kind, folder=tmp_path))[variable] == CA_BUNDLE


@pytest.mark.parametrize("root", [Root("python", folder=Path("/x")), Root("node"), Root("image", image="x")])
def test_no_box_writes_unbuffered(root):
    assert "PYTHONUNBUFFERED" not in environment_inside(root)
