"""How boxes begin and end: by themselves, by force, by cancellation, and with the gateway that started them."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import anyio
import docker
import pytest

from sandbox import BoxSpec, Exit, Mount, SandboxError
from sandbox.docker import DockerBackend
from sandbox.docker.ownership import OWNER, owner_labels, this_process
from tests.support.conditions import eventually

from .boxes import BACKENDS, BOTH, read_all
from .deaths import HEARS, NOTICED_WITHIN, death_in_a_call

both = pytest.mark.parametrize("backend", BOTH, indirect=True)
in_docker = pytest.mark.parametrize("backend", [BOTH[0]], indirect=True)
in_bubblewrap = pytest.mark.parametrize("backend", [BOTH[1]], indirect=True)

ECHO = "import sys\nfor line in sys.stdin: print('got', line, end='', flush=True)"
FAMILY = "import os, time\nfor _ in range(2): os.fork()\nprint('up', flush=True)\ntime.sleep(600)"


@pytest.fixture
def ours():
    """Labels that only the boxes of this test have: other tests may run on the same engine."""
    return {"toolgate.test": secrets.token_hex(8)}


def containers(labels: dict[str, str]) -> set[str]:
    client = docker.from_env()
    wanted = [f"{name}={value}" for name, value in labels.items()]
    try:
        return {each["Id"] for each in client.api.containers(all=True, filters={"label": wanted})}
    finally:
        client.close()


def processes_with(mark: str) -> list[int]:
    """Processes of this machine with `mark` in their command line, those in boxes among them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def kill_server(mark: str) -> None:
    """Kill the program in the box, not what started it."""
    for pid in processes_with(mark):
        if Path(f"/proc/{pid}/comm").read_text() == "python3\n":
            os.kill(pid, signal.SIGKILL)


async def receive_line(box) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        line += await box.receive()
    return line


@both
async def test_it_answers_and_nothing_is_left_of_it(boxes, backend, ours):
    async with boxes.start(backend, ECHO, "mark-answers", labels=ours) as box:
        for number in range(50):
            await box.send(b"%d\n" % number)
            assert await receive_line(box) == b"got %d\n" % number
        assert processes_with("mark-answers")
        assert backend.name != "docker" or len(containers(ours)) == 1
    assert not processes_with("mark-answers")
    assert backend.name != "docker" or not containers(ours)


@both
async def test_what_is_written_at_once_and_in_bulk_arrives_whole(boxes, backend):
    code = "import sys\nsys.stdout.write('x' * 3_000_000 + 'end')\nsys.stderr.write('noise\\n' * 1000)"
    output, ended, stderr = await boxes.run(backend, code)
    assert (len(output), output[-4:]) == (3_000_003, "xend")
    assert ended == Exit(0, "exit code 0")
    assert stderr == ("noise",) * 200


@both
async def test_a_large_input_arrives_whole(boxes, backend):
    code = "import sys\nprint(len(sys.stdin.readline()), flush=True)"
    async with boxes.start(backend, code) as box:
        await box.send(b"x" * 3_000_000 + b"\n")
        assert await receive_line(box) == b"3000001\n"


@both
async def test_its_exit_code_is_told(boxes, backend):
    _, ended, stderr = await boxes.run(backend, "import sys; print('why', file=sys.stderr); sys.exit(7)")
    assert (ended, stderr) == (Exit(7, "exit code 7"), ("why",))


@both
async def test_its_end_is_noticed_by_one_who_does_not_read(boxes, backend):
    code = "import os\nwhile True: os.write(1, bytes(65536))"
    async with boxes.start(backend, code, "mark-unread") as box:
        await box.receive()
        kill_server("mark-unread")
        assert await box.wait() == Exit(137, "ended by SIGKILL")


@both
async def test_a_server_killed_in_the_middle_of_a_call_ends_its_output(boxes, backend):
    async with boxes.start(backend, ECHO, "mark-killed") as box:
        await box.send(b"1\n")
        await receive_line(box)
        async with anyio.create_task_group() as group:
            ended = anyio.Event()

            async def call() -> None:
                assert await read_all(box) == b""
                ended.set()

            group.start_soon(call)
            kill_server("mark-killed")
            with anyio.fail_after(60):
                await ended.wait()
        assert await box.wait() == Exit(137, "ended by SIGKILL")
        with pytest.raises(anyio.BrokenResourceError):
            await box.send(b"2\n")


@both
async def test_its_death_in_a_call_is_noticed_without_waiting_for_a_poll(boxes, backend):
    async with boxes.start(backend, HEARS, "mark-death") as box:
        reason, waited = await death_in_a_call(box, lambda: kill_server("mark-death"))
    assert reason in ("its process ended: ended by SIGKILL", "it closed its standard output")
    assert waited <= NOTICED_WITHIN


@both
async def test_kill_ends_everything_inside(boxes, backend):
    async with boxes.start(backend, FAMILY, "mark-family") as box:
        await receive_line(box)
        assert len(processes_with("mark-family")) >= 4
        await box.kill()
        await eventually(lambda: not processes_with("mark-family"))
        assert (await box.wait()).reason == "ended by SIGKILL"
        await box.kill()  # nothing is left to do
        await read_all(box)


@both
@pytest.mark.parametrize("delay", [0.001, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3])
async def test_cancelled_at_any_moment_it_leaves_nothing_behind(boxes, backend, delay, ours):
    await boxes.run(backend, "pass")  # so that the root is there and only the start is cut short
    with anyio.move_on_after(delay) as scope:
        async with boxes.start(backend, "import time; time.sleep(600)", "mark-cancelled", labels=ours):
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    await eventually(lambda: not processes_with("mark-cancelled"))
    assert backend.name != "docker" or not containers(ours)


@both
async def test_our_own_exception_comes_out_as_it_is(boxes, backend):
    async def use():
        async with boxes.start(backend, ECHO):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await use()


@both
async def test_a_program_that_is_not_in_the_root_is_named(boxes, backend):
    async with backend.start(BoxSpec("lost", ("/usr/bin/no-such-program",), await boxes.root())) as box:
        assert (await box.wait()).code in (1, 127)
        assert "/usr/bin/no-such-program" in box.stderr_tail()[-1]


@both
async def test_a_mount_that_is_not_there_is_named(boxes, backend, home):
    missing = Mount(home / "missing", "/data")
    with pytest.raises(SandboxError, match=str(missing.source)):
        async with boxes.start(backend, "pass", mounts=(missing,)):
            pass


@both
async def test_many_boxes_run_beside_each_other(boxes, backend):
    async def run(number: int) -> None:
        output, _, _ = await boxes.run(backend, "import sys; print(sys.argv[1])", str(number))
        outputs.append(output)

    outputs: list[str] = []
    async with anyio.create_task_group() as group:
        for number in range(6):
            group.start_soon(run, number)
    assert sorted(outputs) == [f"{number}\n" for number in range(6)]


@both
async def test_no_secret_shows_in_a_list_of_processes(boxes, backend):
    async with boxes.start(backend, ECHO, "mark-secret", env={"TOKEN": "hush-hush"}) as box:
        await box.send(b"1\n")
        await receive_line(box)
        assert processes_with("mark-secret")
        assert not processes_with("hush-hush")


@in_bubblewrap
async def test_its_processes_really_belong_to_somebody_else_than_root(boxes, backend, monkeypatch):
    monkeypatch.setenv("TOOLGATE_SECRET", "hush")
    async with boxes.start(backend, ECHO, "mark-user") as box:
        await box.send(b"1\n")
        await receive_line(box)
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in processes_with("mark-user")}
        assert owners == ({65534} if os.geteuid() == 0 else {os.geteuid()})
        if os.geteuid() == 0:  # others may not look
            for pid in processes_with("mark-user"):
                assert b"TOOLGATE_SECRET" not in Path(f"/proc/{pid}/environ").read_bytes()


GATEWAY = """
import anyio, json, sys
from pathlib import Path
from sandbox import BoxSpec, Root
from sandbox.bubblewrap import BubblewrapBackend
from sandbox.docker import DockerBackend

async def main():
    backend = {"docker": DockerBackend, "bubblewrap": BubblewrapBackend}[sys.argv[1]]()
    root = Root("python", folder=Path(sys.argv[2]))
    argv = ("/usr/bin/python3", "-c", "import time; print('up', flush=True); time.sleep(600)", "mark-orphan")
    async with backend.start(BoxSpec("orphan", argv, root, labels=json.loads(sys.argv[3]))) as box:
        print((await box.receive()).decode(), end="", flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""


async def start_gateway(boxes, backend, labels: dict[str, str]) -> subprocess.Popen[bytes]:
    """Another gateway, with one box that does not mind losing its input."""
    root = await boxes.root()
    argv = [sys.executable, "-c", GATEWAY, backend.name, str(root.folder), json.dumps(labels)]
    gateway = subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
    assert await anyio.to_thread.run_sync(gateway.stdout.readline) == b"up\n"
    gateway.stdout.close()
    return gateway


@in_docker
async def test_a_sweep_removes_the_boxes_of_dead_gateways_and_no_others(boxes, backend, ours):
    theirs = {"toolgate.test": secrets.token_hex(8)}
    async with boxes.start(backend, ECHO, labels=ours) as box:
        gateway = await start_gateway(boxes, backend, theirs)
        try:
            await DockerBackend().sweep()
            assert len(containers(theirs)) == 1
        finally:
            gateway.kill()
            gateway.wait()
        await DockerBackend().sweep()
        assert not containers(theirs)
        await box.send(b"still here\n")
        assert await receive_line(box) == b"got still here\n"


@in_docker
async def test_a_box_whose_owner_cannot_be_looked_up_is_left_alone(boxes, backend, ours, monkeypatch):
    stranger = replace(this_process(), namespace="pid:[1]", pid=1)
    monkeypatch.setattr("sandbox.docker.backend.this_process", lambda: stranger)
    async with boxes.start(backend, ECHO, labels=ours):
        monkeypatch.undo()
        await DockerBackend().sweep()
        assert len(containers(ours)) == 1


@in_docker
async def test_its_labels_say_whose_it_is(boxes, backend, ours):
    async with boxes.start(backend, ECHO, labels={**ours, "toolgate.server": "files"}):
        [box] = containers(ours)
        client = docker.from_env()
        labels = client.api.inspect_container(box)["Config"]["Labels"]
        client.close()
    assert labels["toolgate.server"] == "files"
    assert labels[OWNER] == owner_labels(this_process())[OWNER]
    assert json.loads(labels[OWNER])["pid"] == os.getpid()


@in_bubblewrap
async def test_boxes_die_with_the_gateway(boxes, backend):
    gateway = await start_gateway(boxes, backend, {})
    children = processes_with("mark-orphan")
    assert len(children) > 1
    gateway.kill()
    gateway.wait()
    await eventually(lambda: not processes_with("mark-orphan"))


@pytest.mark.parametrize("name", BOTH)
async def test_a_probe_says_which_version_is_here(name):
    available = await BACKENDS[name]().probe()
    assert available.ok, available
    assert any(character.isdigit() for character in available.detail)
