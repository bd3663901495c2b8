from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.spec import Mount, SandboxError, StdioServer
from sandbox.store import PackageStore
from sandbox.store.docker_run import parse_docker_run


def parse(*args: str, env: dict[str, str] | None = None):
    return parse_docker_run("docker", ["run", *args], env or {})


def test_the_image_and_its_arguments_are_taken():
    run = parse("-i", "--rm", "--init", "--name", "mine", "ghcr.io/org/server:1.2", "stdio", "--privileged")
    assert run.image == "ghcr.io/org/server:1.2"
    assert run.args == ("stdio", "--privileged")
    assert run.env == {}
    assert run.mounts == ()


@pytest.mark.parametrize("spelling", [["-e", "A=1"], ["-eA=1"], ["--env", "A=1"], ["--env=A=1"], ["-e=A=1"]])
def test_a_variable_can_be_set(spelling):
    assert parse(*spelling, "image").env == {"A": "1"}


def test_a_variable_named_alone_is_the_servers_own_and_no_other_gets_inside(monkeypatch):
    monkeypatch.setenv("FROM_GATEWAY", "secret")
    run = parse("-e", "TOKEN", "image", env={"TOKEN": "t", "OTHER": "o"})
    assert run.env == {"TOKEN": "t"}
    with pytest.raises(SandboxError, match="FROM_GATEWAY"):
        parse("-e", "FROM_GATEWAY", "image")


@pytest.mark.parametrize(
    ("spelling", "mount"),
    [
        (["-v", "/a:/b"], Mount(Path("/a"), "/b")),
        (["-v", "/a:/b:ro"], Mount(Path("/a"), "/b")),
        (["-v", "/a:/b:rw"], Mount(Path("/a"), "/b", writable=True)),
        (["-v", "/a:/b:z"], Mount(Path("/a"), "/b")),
        (["--volume=/a:/b:rw,Z"], Mount(Path("/a"), "/b", writable=True)),
        (["--mount", "type=bind,source=/a,target=/b"], Mount(Path("/a"), "/b")),
        (["--mount", "type=bind,src=/a,dst=/b,readonly"], Mount(Path("/a"), "/b")),
        (["--mount=type=bind,src=/a,dst=/b,rw"], Mount(Path("/a"), "/b", writable=True)),
    ],
)
def test_a_mount_is_read_only_unless_it_says_otherwise(spelling, mount):
    assert parse(*spelling, "image").mounts == (mount,)


@pytest.mark.parametrize(
    "args",
    [
        ["--privileged"],
        ["--network", "host"],
        ["--network=host"],
        ["--net=host"],
        ["--pid=host"],
        ["--cap-add", "SYS_ADMIN"],
        ["--security-opt", "seccomp=unconfined"],
        ["--device=/dev/kvm"],
        ["--user", "0"],
        ["--entrypoint", "sh"],
        ["--env-file", "/etc/passwd"],
        ["--volumes-from", "other"],
        ["-u", "0"],
        ["-it"],
        ["-t"],
        ["-p", "80:80"],
        ["--rm=false"],
    ],
)
def test_any_other_flag_is_refused_by_name(args):
    with pytest.raises(SandboxError, match=f"flag {args[0].partition('=')[0]} "):
        parse(*args, "image")


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["-i"],
        ["-e"],
        ["-v", "name", "image"],
        ["-v", "/a:/b:shared", "image"],
        ["--mount", "type=volume,src=a,dst=/b", "image"],
        ["--mount", "type=bind,src=/a", "image"],
        ["--mount", "type=bind,src=/a,dst=/b,bind-propagation=shared", "image"],
        ["-e", "=x", "image"],
        ["UPPER"],
    ],
)
def test_what_makes_no_sense_is_refused(args):
    with pytest.raises(SandboxError):
        parse(*args)


@pytest.mark.parametrize("args", [[], ["exec", "box", "sh"], ["compose", "up"]])
def test_only_run_is_a_servers_command(args):
    with pytest.raises(SandboxError, match="only `podman run`"):
        parse_docker_run("podman", args, {})


async def test_it_becomes_an_image_and_the_engines_command_never_runs(tmp_path):
    args = ("run", "-i", "--rm", "-e", "TOKEN", "-v", f"{tmp_path}:/data", "org/server", "stdio")
    server = StdioServer("gh", "docker", args, env={"TOKEN": "t", "OTHER": "o"})
    prepared = await PackageStore(tmp_path).prepare(server, print)
    assert (prepared.root_kind, prepared.image, prepared.origin.asked) == ("image", "org/server", "org/server")
    assert prepared.argv == ("stdio",)
    assert prepared.env == {"TOKEN": "t"}
    assert prepared.mounts == (Mount(tmp_path.resolve(), "/data"),)


async def test_its_mounts_stand_under_the_same_rules_as_any_other(tmp_path):
    server = StdioServer("gh", "docker", ("run", "-v", "/var/run/docker.sock:/var/run/docker.sock", "org/server"))
    with pytest.raises(SandboxError):
        await PackageStore(tmp_path).prepare(server, print)
