"""A hostile program in each kind of box: what it tries, and how far it gets."""

from __future__ import annotations

import json
import os
import platform
import socket
from pathlib import Path

import anyio
import pytest

from sandbox import Limits, Mount
from sandbox.workspaces import Workspaces, box_user

from .boxes import BACKENDS, BOTH

MIB = 1024 * 1024
LIMITS = Limits(memory_bytes=256 * MIB, processes=64, disk_bytes=16 * MIB)
REFUSED = {"EACCES", "EPERM", "EROFS"}
ABSENT = {"ENOENT"}
UNREACHABLE = {"ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH"}
ATTEMPTS = (Path(__file__).parent / "attempts.py").read_text()

EVERYWHERE: dict[str, object] = {
    "become root": {"EPERM", "EINVAL"},
    "capabilities": "0000000000000000",
    "no new privileges": "1",
    "system call filter": "2",
    "write /": REFUSED,
    "write /usr": REFUSED,
    "write /etc/passwd": REFUSED,
    "write the interpreter": REFUSED,
    "write /dev": REFUSED,
    "write /run": REFUSED,
    "write /tmp": "done",
    "write what is mounted read-only": REFUSED,
    "read what is mounted read-only": "a note",
    "MiB in /tmp": 15,
    "MiB in /dev/shm": 1,
    "MiB in one file of the workspace": 16,
    "read a file of the host": ABSENT,
    "read it through a link": ABSENT,
    "read /etc/shadow": ABSENT,
    "gateway's secret in /proc": [],
    "signal a process outside": {"ESRCH"},
    "open files": [0, 1, 2, 4],
    "core pattern": REFUSED,
    "sysrq": REFUSED | ABSENT,
    "engine's socket": [],
    "network cards": ["lo"],
    "connect to the host": UNREACHABLE,
    "connect to the internet": UNREACHABLE,
    "netlink socket": "EPERM",
    "packet socket": "EPERM",
    "vsock socket": "EPERM",
    "raw socket": "EPERM",
    "unix socket": "done",
    "limit on core files": 0,
    "limit on open files": 1024,
}
SYSTEM_CALLS: dict[str, object] = {
    "ptrace": "EPERM",
    "mount": "EPERM",
    "unshare a user namespace": "EPERM",
    "clone into a user namespace": "EPERM",
    "clone3": "ENOSYS",
    "io_uring": "EPERM",
    "bpf": "EPERM",
    "keyctl": "EPERM",
    "perf events": "EPERM",
    "userfaultfd": "EPERM",
    "a call newer than our list": "ENOSYS",
}
TABLE = {**EVERYWHERE, **(SYSTEM_CALLS if platform.machine() == "x86_64" else {})}


@pytest.fixture(scope="module")
def host(home):
    """What the host has to protect: a file, a variable, a server on its loopback; and what it shares."""
    marker = home / "marker.txt"
    marker.write_text("the host's own")
    marker.chmod(0o644)
    shared = home / "shared"
    shared.mkdir(mode=0o755)
    (shared / "note").write_text("a note")
    (shared / "note").chmod(0o666)
    shared.chmod(0o777)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOOLGATE_SECRET", "hush")
        yield {"marker": marker, "shared": shared, "port": server.getsockname()[1]}


@pytest.fixture(scope="module")
def attempted(boxes, host):
    """All attempts in one box per backend, by the backend's name."""
    known: dict[str, dict[str, object]] = {}

    def of(name: str) -> dict[str, object]:
        if name not in known:
            workspace = Workspaces(boxes.home / "state").path_for("probe", name)
            mounts = (Mount(host["shared"], "/data"), Mount(workspace, "/workspace", writable=True))
            arguments = (str(host["marker"]), str(os.getpid()), str(host["port"]))
            run = boxes.run
            output, ended, stderr = anyio.run(
                lambda: run(BACKENDS[name](), ATTEMPTS, *arguments, mounts=mounts, limits=LIMITS, env={"OWN": "1"})
            )
            assert ended.code == 0, stderr
            known[name] = {**json.loads(output), "kept": (workspace / "kept").read_text()}
        return known[name]

    return of


@pytest.mark.parametrize("attempt", TABLE)
@pytest.mark.parametrize("name", BOTH)
def test_an_attempt_gets_no_further_than_it_should(attempted, name, attempt):
    result, allowed = attempted(name)[attempt], TABLE[attempt]
    assert result in allowed if isinstance(allowed, set) else result == allowed


@pytest.mark.parametrize("name", BOTH)
def test_it_is_an_ordinary_user_in_no_further_group(attempted, name):
    uid, gid, groups = attempted(name)["user"]
    assert uid == (box_user()[0] if name == "docker" else 65534)
    assert 0 not in (uid, gid, *groups)


@pytest.mark.parametrize("name", BOTH)
def test_its_environment_is_its_own(attempted, name):
    environment = attempted(name)["environment"]
    assert "OWN" in environment
    assert not {"TOOLGATE_SECRET", "USER", "SHELL"} & set(environment)


@pytest.mark.parametrize("name", BOTH)
def test_only_the_box_is_to_be_seen(attempted, name):
    visible = set(attempted(name)["list /"])
    ours = {"bin", "data", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys", "tmp", "usr", "workspace"}
    assert visible <= ours | {".dockerenv"}
    assert attempted(name)["processes"] <= 3


@pytest.mark.parametrize("name", BOTH)
def test_the_number_of_processes_is_limited(attempted, name):
    assert 50 <= attempted(name)["processes that can be started"] < 64


@pytest.mark.docker
def test_the_number_of_files_in_memory_is_limited_in_containers(attempted):
    assert 1000 < attempted("docker")["files in /tmp"] < 4096


@pytest.mark.parametrize("name", BOTH)
def test_what_tells_of_the_kernel_is_covered(attempted, name):
    for what in ("kernel symbols", "kernel config", "kernel log"):
        assert attempted(name)[what] in {"", "EACCES", "EPERM", "ENOENT"}, what


@pytest.mark.parametrize("name", BOTH)
def test_names_are_not_resolved_in_a_box_without_network(attempted, name):
    assert "Name" in attempted(name)["resolve a name"] or "name" in attempted(name)["resolve a name"]


@pytest.mark.parametrize("name", BOTH)
def test_what_it_wrote_to_its_workspace_stays(attempted, name):
    assert attempted(name)["kept"] == "mine"


@pytest.mark.parametrize("backend", BOTH, indirect=True)
async def test_memory_is_limited(boxes, backend):
    code = "blocks = []\nwhile True: blocks.append(bytearray(b'x' * (16 << 20)))"
    _, ended, stderr = await boxes.run(backend, code, limits=LIMITS)
    if backend.name == "docker":
        assert (ended.code, ended.out_of_memory) == (137, True)
        assert "memory" in ended.reason
    else:
        assert ended.code == 1
        assert "MemoryError" in stderr


@pytest.mark.docker
@pytest.mark.parametrize("backend", ["docker"], indirect=True)
async def test_the_end_of_a_child_for_want_of_memory_is_not_the_servers(boxes, backend):
    code = (
        "import os\n"
        "if os.fork() == 0:\n"
        "    blocks = []\n"
        "    while True: blocks.append(bytearray(b'x' * (16 << 20)))\n"
        "print(os.wait()[1])\n"
    )
    output, ended, _ = await boxes.run(backend, code, limits=LIMITS)
    assert (output, ended.code, ended.out_of_memory) == ("9\n", 0, False)
