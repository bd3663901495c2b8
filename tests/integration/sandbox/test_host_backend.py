"""Unconfined processes, and with them everything that a box which is a child process shares."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import anyio
import pytest

from gateway.hub.transports.stdio import open_stdio_peer
from sandbox.host import HostBackend
from sandbox.process import describe_exit
from sandbox.spec import BoxSpec, Exit, Mount, Root, SandboxError
from tests.support.conditions import eventually
from tests.support.leftovers import processes_with
from tests.support.waits import waits_noted

from .deaths import HEARS, NOTICED_WITHIN, death_in_a_call


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request):
    """The gateway runs on uvloop, which starts processes in its own way."""
    return ("asyncio", {"use_uvloop": request.param})


def python(code: str, *args: str, **options) -> BoxSpec:
    return BoxSpec("s", (sys.executable, "-S", "-c", code, *args), Root("python"), **options)


async def everything(box) -> bytes:
    output = b""
    try:
        while True:
            output += await box.receive()
    except anyio.EndOfStream:
        return output


def alive(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_it_talks_and_ends():
    code = "import sys; print(sys.stdin.readline().upper(), end=''); print('bye', file=sys.stderr); sys.exit(3)"
    async with HostBackend().start(python(code)) as box:
        await box.send(b"hello\n")
        assert await everything(box) == b"HELLO\n"
        assert await box.wait() == Exit(3, "exit code 3")
        assert box.stderr_tail() == ("bye",)


async def test_of_our_environment_only_the_harmless_part_is_passed_on(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "hush")
    code = "import os; print(sorted(os.environ), os.getcwd())"
    async with HostBackend().start(python(code, env={"OWN": "1"}, cwd=str(tmp_path))) as box:
        said = (await everything(box)).decode()
    assert "OPENAI_API_KEY" not in said
    assert "'OWN'" in said
    assert "'PATH'" in said
    assert str(tmp_path) in said


async def test_a_killed_process_ends_its_output_and_its_input():
    async with HostBackend().start(python("import os; print(os.getpid(), flush=True); input()")) as box:
        pid = int(await box.receive())
        os.kill(pid, signal.SIGKILL)
        assert await everything(box) == b""
        assert await box.wait() == Exit(137, "ended by SIGKILL")
        with pytest.raises(anyio.BrokenResourceError):
            await box.send(b"x")


async def test_its_death_in_a_call_is_noticed_without_waiting_for_a_poll(anyio_backend):
    async with HostBackend().start(python(HEARS, "mark-host-death")) as box:
        (pid,) = processes_with("mark-host-death")
        reason, waited = await death_in_a_call(box, lambda: os.kill(pid, signal.SIGKILL))
    assert reason == "its process ended: ended by SIGKILL"
    assert waited <= NOTICED_WITHIN


DAEMON = (
    "import os, time\n"
    "child = os.fork()\n"
    "if child == 0:\n"
    " os.setsid()\n"
    " time.sleep(600)\n"
    "while os.getsid(child) != child: time.sleep(0.001)\n"
)
"""Starts something that leaves its group, and so outlives it."""


async def test_its_death_is_noticed_while_something_of_it_lives_on_and_holds_its_pipes(anyio_backend):
    async with HostBackend().start(python(DAEMON + HEARS, "mark-daemon")) as box:
        reason, waited = await death_in_a_call(box, lambda: os.kill(box._process.pid, signal.SIGKILL))
        (daemon,) = [pid for pid in processes_with("mark-daemon") if alive(pid)]
        os.kill(daemon, signal.SIGKILL)
    assert reason == "its process ended: ended by SIGKILL"
    assert waited <= NOTICED_WITHIN


async def test_what_it_has_said_before_its_end_is_heard_though_its_pipes_are_held(anyio_backend):
    says = 'import sys\nfor _ in range(30000): print(\'{"jsonrpc": "2.0", "method": "heard"}\')\n'
    heard = 0

    def count(method, params) -> None:
        nonlocal heard
        heard += 1

    async with HostBackend().start(python(DAEMON + says + "sys.stderr.write('bye')", "mark-last")) as box:
        async with open_stdio_peer(box, count) as peer:
            assert await peer.wait_closed() == "its process ended: exit code 0"
        assert (heard, box.stderr_tail()) == (30000, ("bye",))
        for pid in processes_with("mark-last"):
            os.kill(pid, signal.SIGKILL)


async def test_one_that_is_given_up_has_no_last_words_to_wait_for(anyio_backend):
    with waits_noted() as waits:
        async with anyio.create_task_group() as tasks, HostBackend().start(python("input()")):
            given_up_at = anyio.current_time()
            tasks.cancel_scope.cancel()
            await anyio.sleep_forever()
    assert waits.seconds(given_up_at) == 0


FAMILY = "import os, time\nif os.fork() == 0:\n print(os.getpid(), flush=True)\n time.sleep(600)\n"


async def test_kill_ends_its_children_too():
    async with HostBackend().start(python(FAMILY + "time.sleep(600)")) as box:
        child = int(await box.receive())
        await box.kill()
        await eventually(lambda: not alive(child))
        assert (await box.wait()).reason == "ended by SIGKILL"
        await box.kill()  # nothing is left to do


async def test_what_an_ended_process_leaves_behind_is_ended():
    async with HostBackend().start(python(FAMILY + "input(); os._exit(0)")) as box:
        child = int(await box.receive())
        await box.send(b"\n")
        assert await box.wait() == Exit(0, "exit code 0")
        await eventually(lambda: not alive(child))
        assert await everything(box) == b""


async def test_leaving_ends_it_and_lets_our_own_exception_out():
    pids: list[int] = []

    async def use():
        async with HostBackend().start(python("import os; print(os.getpid(), flush=True); input()")) as box:
            pids.append(int(await box.receive()))
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await use()
    assert not alive(*pids)


@pytest.mark.parametrize("delay", [0, 0.001, 0.005, 0.02])
async def test_cancelled_at_any_moment_it_leaves_nothing_behind(tmp_path, delay):
    mark = tmp_path / "pid"
    code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
    with anyio.move_on_after(delay):
        async with HostBackend().start(python(code, str(mark))):
            await anyio.sleep_forever()
    assert not mark.exists() or not mark.read_text() or not alive(int(mark.read_text()))


async def test_it_may_write_much_to_standard_error_while_nobody_reads_its_output():
    code = "import sys\nfor n in range(100000): print('noise', n, file=sys.stderr)\nprint('done')"
    async with HostBackend().start(python(code)) as box:
        assert await box.wait() == Exit(0, "exit code 0")
        assert len(box.stderr_tail()) == 200
        assert box.stderr_tail()[-1] == "noise 99999"
        assert await everything(box) == b"done\n"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (BoxSpec("files", ("no-such-program",), Root("python")), "files.*cannot run no-such-program"),
        (BoxSpec("files", (sys.executable,), Root("python"), cwd="/no/such"), "folder /no/such is not there"),
        (BoxSpec("files", (sys.executable,), Root("image", image="x")), "no image run"),
        (BoxSpec("files", ("cat",), Root("python"), mounts=(Mount(None, "/x"),)), "nothing can be mounted"),
    ],
)
async def test_what_cannot_start_says_why(spec, said):
    with pytest.raises(SandboxError, match=said):
        async with HostBackend().start(spec):
            pass


async def test_it_is_always_there_and_has_nothing_to_sweep():
    assert (await HostBackend().probe()).ok
    assert await HostBackend().sweep() == 0


@pytest.mark.parametrize(
    ("code", "ended"),
    [
        (0, Exit(0, "exit code 0")),
        (1, Exit(1, "exit code 1")),
        (-9, Exit(137, "ended by SIGKILL")),
        (143, Exit(143, "ended by SIGTERM")),
        (250, Exit(250, "exit code 250")),
        (None, Exit(None, "its end was not seen")),
    ],
)
def test_an_exit_status_is_read_as_a_shell_reads_it(code, ended):
    assert describe_exit(code) == ended
