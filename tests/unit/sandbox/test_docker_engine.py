from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.docker import DockerBackend
from sandbox.docker.box import exit_from_state
from sandbox.docker.engine import socket_path
from sandbox.docker.images import image_name
from sandbox.spec import Exit, Root, SandboxError


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({}, "/var/run/docker.sock"),
        ({"DOCKER_HOST": ""}, "/var/run/docker.sock"),
        ({"DOCKER_HOST": "unix:///run/user/1000/docker.sock"}, "/run/user/1000/docker.sock"),
    ],
)
def test_the_socket_is_where_docker_host_says(environ, path):
    assert socket_path(environ) == path


@pytest.mark.parametrize(
    "address", ["tcp://10.0.0.1:2376", "ssh://me@host", "npipe:////./pipe/docker", "unix://x"]
)
async def test_an_engine_that_is_not_on_a_unix_socket_is_unavailable_with_a_hint(monkeypatch, address):
    monkeypatch.setenv("DOCKER_HOST", address)
    available = await DockerBackend().probe()
    assert not available.ok
    assert address in available.detail
    assert "unix://" in available.hint


async def test_no_engine_is_unavailable_with_a_hint(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    available = await DockerBackend().probe()
    assert not available.ok
    assert "no container engine at" in available.detail
    assert "install Docker" in available.hint


async def test_without_an_engine_there_is_nothing_to_sweep(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert await DockerBackend().sweep() == 0


@pytest.mark.parametrize(
    ("root", "name"),
    [
        (Root("image", image="mcp/time"), "mcp/time:latest"),
        (Root("image", image="mcp/time:1.2"), "mcp/time:1.2"),
        (Root("image", image="localhost:5000/time"), "localhost:5000/time:latest"),
        (Root("image", image="mcp/time@sha256:ab"), "mcp/time@sha256:ab"),
        (Root("python", folder=Path("/c/roots/python@3.12.1-0123ab")), "toolgate-root-python:0123ab"),
    ],
)
def test_an_image_has_one_exact_name(root, name):
    assert image_name(root) == name


def test_a_root_that_is_nothing_is_refused():
    with pytest.raises(SandboxError, match="without an image"):
        image_name(Root("image"))


@pytest.mark.parametrize(
    ("state", "ended"),
    [
        ({"Status": "running"}, None),
        ({"Status": "created", "ExitCode": 0}, None),
        ({"Status": "exited", "ExitCode": 0}, Exit(0, "exit code 0")),
        ({"Status": "exited", "ExitCode": 3}, Exit(3, "exit code 3")),
        ({"Status": "exited", "ExitCode": 137, "OOMKilled": False}, Exit(137, "ended by SIGKILL")),
        (
            {"Status": "exited", "ExitCode": 137, "OOMKilled": True},
            Exit(137, "it needed more memory than its limit", out_of_memory=True),
        ),
        # Only a child was killed for want of memory; the server itself ended well.
        ({"Status": "exited", "ExitCode": 0, "OOMKilled": True}, Exit(0, "exit code 0")),
    ],
)
def test_how_a_container_ended(state, ended):
    assert exit_from_state(state) == ended
