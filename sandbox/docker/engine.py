"""The container engine: docker-py in worker threads, each call with a deadline.

Above: everything else in `sandbox.docker`. Refuses to know: what runs in a container. Only an engine on a unix
socket will do, because a box's pipes are attached to on that socket. docker-py is large, and many gateways never
meet an engine: it is imported once one is found.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

import anyio
import anyio.to_thread

from sandbox.spec import SandboxError

_DEFAULT_SOCKET = "/var/run/docker.sock"
_CALL_SECONDS = 30
_CONNECT_SECONDS = 8
_THREADS = 8

T = TypeVar("T")


class Client(Protocol):
    """What we use of docker.APIClient, which has no types of its own. Every method blocks."""

    api_version: str
    timeout: int

    def version(self) -> dict[str, Any]: ...
    def create_container_from_config(self, config: dict[str, Any], name: str) -> dict[str, Any]: ...
    def start(self, container: str) -> None: ...
    def kill(self, container: str) -> None: ...
    def remove_container(self, container: str, *, v: bool, force: bool) -> None: ...
    def inspect_container(self, container: str) -> dict[str, Any]: ...
    def containers(self, *, all: bool, filters: dict[str, Any]) -> list[dict[str, Any]]: ...  # noqa: A002
    def inspect_image(self, image: str) -> dict[str, Any]: ...
    def import_image_from_stream(self, stream: Iterable[bytes], *, repository: str, tag: str) -> str: ...
    def pull(self, repository: str, *, stream: bool, decode: bool) -> Iterable[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Engine:
    """A connected engine. `machine` is its processor architecture, `api_version` what both sides speak."""

    socket: str
    version: str
    api_version: str
    machine: str
    client: Client
    limiter: anyio.CapacityLimiter

    async def call(self, function: Callable[[Client], T], *, may_abandon: bool = False) -> T:
        """Call docker-py in a worker thread. Raises what is in `engine_failures()`.

        A call that is cancelled is still waited for, because what it does to the engine has to be undone, unless
        it `may_abandon` its thread: for one that may take long and leaves nothing that matters.
        """
        return await anyio.to_thread.run_sync(
            function, self.client, abandon_on_cancel=may_abandon, limiter=self.limiter
        )


def engine_failures() -> tuple[type[Exception], ...]:
    """What a call to the engine may raise; the second for what happens on the way to it."""
    from docker.errors import DockerException  # noqa: PLC0415 - see above

    return DockerException, OSError


def socket_path(environ: Mapping[str, str]) -> str:
    """The unix socket that DOCKER_HOST names, or the usual one. Raises SandboxError for any other engine."""
    address = environ.get("DOCKER_HOST") or f"unix://{_DEFAULT_SOCKET}"
    scheme, _, path = address.partition("://")
    if scheme != "unix" or not path.startswith("/"):
        raise SandboxError(
            f"the engine that DOCKER_HOST names, {address}, is not on a unix socket",
            hint="set DOCKER_HOST to unix:///path/of/the.sock, or run toolgate on the engine's machine",
        )
    return path


async def connect() -> Engine:
    """Connect to the engine of the environment. Raises SandboxError, saying what is in the way."""
    path = socket_path(os.environ)
    limiter = anyio.CapacityLimiter(_THREADS)
    try:
        return await anyio.to_thread.run_sync(_connect, path, limiter, limiter=limiter)
    except OSError as error:  # apart, because there may be no engine
        raise _unreachable(path, error) from error
    except engine_failures() as error:
        raise _unreachable(path, error) from error


def _connect(path: str, limiter: anyio.CapacityLimiter) -> Engine:
    with socket.socket(socket.AF_UNIX) as trial:  # docker-py neither closes nor explains one that does not connect
        trial.settimeout(_CONNECT_SECONDS)
        trial.connect(path)
    import docker  # noqa: PLC0415 - see above

    made = docker.APIClient(base_url=f"unix://{path}", version="auto", timeout=_CONNECT_SECONDS)
    client = cast("Client", made)
    said = client.version()
    client.timeout = _CALL_SECONDS
    if said.get("Os") != "linux":
        raise OSError(f"it runs {said.get('Os')} containers, not Linux ones")
    return Engine(path, said["Version"], client.api_version, said.get("Arch", ""), client, limiter)


def _unreachable(path: str, error: Exception) -> SandboxError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return SandboxError(f"no container engine at {path}", hint="install Docker and start it")
    if isinstance(error, PermissionError):
        return SandboxError(
            f"no permission to use the container engine at {path}",
            hint="add the gateway's user to the group docker, or use a rootless engine",
        )
    return SandboxError(f"the container engine at {path} does not answer: {error}", hint="is it running?")


def explain(error: Exception) -> str:
    """The engine's own words, without docker-py's around them."""
    return str(getattr(error, "explanation", None) or error).strip() or "it took too long"


def is_absent(error: Exception) -> bool:
    """Whether the engine says that the container or image does not exist."""
    from docker.errors import NotFound  # noqa: PLC0415 - see above

    return isinstance(error, NotFound)
