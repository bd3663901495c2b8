from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import pytest

from sandbox.bubblewrap import backend as backend_module
from sandbox.bubblewrap.arguments import Abilities, confinement, contents, encode
from sandbox.bubblewrap.backend import BubblewrapBackend, _hint_for, _launcher, _limits
from sandbox.bubblewrap.reach import check_reach
from sandbox.spec import BoxSpec, Limits, Mount, Root, SandboxError

MIB = 1024 * 1024


@pytest.fixture
def root(tmp_path):
    for name in ("usr", "etc", "dev", "proc", "tmp", "sys"):
        (tmp_path / name).mkdir()
    (tmp_path / "lib").symlink_to("usr/lib")
    return tmp_path


def spec(**options) -> BoxSpec:
    return BoxSpec("s", ("/usr/bin/python3",), Root("python", folder=Path("/")), **options)


def after(options: list[str], *words: str) -> int:
    """Where these options stand, one after the other; fails when they do not."""
    for position in range(len(options)):
        if tuple(options[position : position + len(words)]) == words:
            return position
    raise AssertionError(f"{words} not in {options}")


def test_everything_is_unshared_and_nothing_gained():
    options = list(confinement(Abilities(disable_userns=True), open_network=False))
    assert {"--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--disable-userns"} <= set(
        options
    )
    after(options, "--cap-drop", "ALL")
    after(options, "--uid", "65534", "--gid", "65534")
    assert "--share-net" not in options


def test_the_network_is_shared_only_when_it_is_asked_for():
    assert "--share-net" in confinement(Abilities(disable_userns=True), open_network=True)


def test_an_older_bubblewrap_is_not_asked_for_what_it_lacks():
    assert "--disable-userns" not in confinement(Abilities(disable_userns=False), open_network=False)


def test_the_root_is_bound_read_only_and_closed_last(root):
    options = list(contents(spec(), root, {}))
    after(options, "--ro-bind", str(root / "usr"), "/usr")
    after(options, "--ro-bind", str(root / "etc"), "/etc")
    after(options, "--symlink", "usr/lib", "/lib")
    assert not {"/sys", str(root / "proc"), str(root / "tmp")} & set(options)
    assert options[-4:] == ["--remount-ro", "/", "--chdir", "/"]


def test_temporary_folders_are_bounded(root):
    options = list(contents(spec(limits=Limits(disk_bytes=8 * MIB)), root, {}))
    after(options, "--size", str(8 * MIB), "--tmpfs", "/tmp")
    after(options, "--size", str(MIB), "--tmpfs", "/dev/shm")
    assert after(options, "--dev", "/dev") < after(options, "--remount-ro", "/dev")


def test_what_tells_of_the_host_is_covered_after_proc_is_mounted(root):
    options = list(contents(spec(), root, {}))
    assert after(options, "--proc", "/proc") < after(options, "--ro-bind", "/dev/null", "/proc/kallsyms")


def test_mounts_are_read_only_unless_said_otherwise_and_the_outer_comes_first(root):
    mounts = (Mount(Path("/a"), "/data/inner"), Mount(Path("/b"), "/data", writable=True))
    options = list(contents(spec(mounts=mounts), root, {}))
    assert after(options, "--bind", "/b", "/data") < after(options, "--ro-bind", "/a", "/data/inner")


def test_the_environment_is_only_what_was_given(root):
    options = list(contents(spec(), root, {"A": "1"}))
    assert after(options, "--clearenv") < after(options, "--setenv", "A", "1")
    assert options.count("--setenv") == 1


def test_options_end_in_zero_bytes_and_may_hold_anything_else():
    assert encode(iter(["--setenv", "A", "é\n\udcff"]), "s") == b"--setenv\0A\0\xc3\xa9\n\xff\0"
    with pytest.raises(SandboxError, match="zero byte"):
        encode(iter(["a\0b"]), "s")


def test_no_secret_is_on_the_command_line():
    command = _launcher(spec(env={"TOKEN": "hush"}), ("bwrap", "--", "/usr/bin/python3"), 9)
    assert "hush" not in " ".join(command)
    settings = json.loads(command[-1])
    assert settings["user"] == (65534 if os.geteuid() == 0 else None)


def test_address_space_is_limited_for_python_only():
    limits = Limits(memory_bytes=256 * MIB, disk_bytes=8 * MIB)
    python = _limits(limits, Root("python"))
    node = _limits(limits, Root("node"))
    assert python["RLIMIT_DATA"] == node["RLIMIT_DATA"] == 256 * MIB
    assert (python["RLIMIT_CORE"], python["RLIMIT_FSIZE"]) == (0, 8 * MIB)
    assert "RLIMIT_AS" in python
    assert "RLIMIT_AS" not in node


@pytest.mark.parametrize(
    ("release", "limited"), [("5.10.0-9-amd64", False), ("5.14.0", True), ("6.18.44-x", True)]
)
def test_processes_are_limited_where_the_kernel_counts_them_per_box(monkeypatch, release, limited):
    monkeypatch.setattr(
        backend_module.os, "uname", lambda: os.uname_result(("Linux", "h", release, "v", "x86_64"))
    )
    settings = json.loads(_launcher(spec(limits=Limits(processes=7)), ("bwrap",), 9)[-1])
    assert settings["processes"] == (7 if limited else None)


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("bwrap: setting up uid map: Permission denied", "user namespaces"),
        (
            "bwrap: No permissions to create new namespace, likely because the kernel does not allow",
            "user namespaces",
        ),
        ("bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "systempaths=unconfined"),
    ],
)
def test_known_refusals_have_a_hint(said, hint):
    assert hint in _hint_for(said)


async def test_without_bubblewrap_it_is_unavailable_with_a_hint(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    available = await BubblewrapBackend().probe()
    assert (available.ok, available.hint) == (False, backend_module._INSTALL)
    assert "bwrap" in available.detail


async def test_a_bubblewrap_that_fails_is_unavailable_with_its_own_words(monkeypatch, tmp_path):
    broken = tmp_path / "bwrap"
    broken.write_text(
        "#!/bin/sh\ncase $1 in --version) echo bubblewrap 9;; --help) ;; *)\n"
        "echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1;; esac\n"
    )
    broken.chmod(0o755)
    tmp_path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(backend_module, "box_user", lambda: (os.geteuid(), os.getegid()))
    available = await BubblewrapBackend().probe()
    assert not available.ok
    assert "Permission denied" in available.detail
    assert "user namespaces" in available.hint


async def test_images_are_refused():
    with pytest.raises(SandboxError, match="container images"):
        async with BubblewrapBackend().start(BoxSpec("s", (), Root("image", image="x"))):
            pass


def test_as_root_a_folder_that_nobody_can_pass_is_named(tmp_path, monkeypatch):
    closed = tmp_path / "closed"
    (closed / "project").mkdir(parents=True)
    mounted = spec(mounts=(Mount(closed / "project", "/app"),))
    for folder in itertools.takewhile(lambda each: each != Path("/tmp"), closed.parents):
        folder.chmod(0o755)
    monkeypatch.setattr("sandbox.bubblewrap.reach.os.geteuid", lambda: 0)
    monkeypatch.setattr("sandbox.bubblewrap.reach.box_user", lambda: (65534, 65534))
    closed.chmod(0o700)
    with pytest.raises(SandboxError, match=f"{closed} is closed to the user nobody") as caught:
        check_reach(mounted)
    assert f"chmod o+x {closed}" in caught.value.hint
    closed.chmod(0o711)
    check_reach(mounted)


def test_a_mount_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SandboxError, match=f"{tmp_path}/none cannot be mounted: it is not there"):
        check_reach(spec(mounts=(Mount(tmp_path / "none", "/app"),)))
