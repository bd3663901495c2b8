"""Starts boxes as containers.

Above: `sandbox.sandbox`. Below: `engine` reaches the engine, `images` brings what boxes run from, `profile` says
how they are confined, `attach` connects their pipes, `ownership` tells whose they are.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import anyio

from sandbox.background import in_background
from sandbox.docker.attach import attach
from sandbox.docker.box import DockerBox
from sandbox.docker.engine import Engine, connect, engine_failures, explain, is_absent
from sandbox.docker.images import Images
from sandbox.docker.ownership import OWNER, is_orphan, owner_labels, this_process
from sandbox.docker.profile import container_body
from sandbox.seccomp import architecture_of, docker_profile
from sandbox.spec import Availability, BackendName, Box, BoxSpec, Root, SandboxError
from sandbox.store.prepared import OnProgress
from sandbox.workspaces import box_user

_log = logging.getLogger(__name__)

_REMOVE_SECONDS = 40.0
_PROBE_SECONDS = 10.0


class DockerBackend:
    """Runs boxes in a Docker engine, or in another that speaks its API."""

    name: BackendName = "docker"

    def __init__(self) -> None:
        self._connected: tuple[Engine, Images] | None = None
        self._connecting = anyio.Lock()

    async def probe(self) -> Availability:
        """Ask the engine for its version."""
        try:
            with anyio.fail_after(_PROBE_SECONDS):
                engine, _ = await self._connect()
        except SandboxError as error:
            return Availability(ok=False, detail=error.message, hint=error.hint)
        except TimeoutError:
            return Availability(ok=False, detail="the container engine does not answer", hint="is it running?")
        if architecture_of(engine.machine) is None:
            return Availability(ok=False, detail=f"no system call filter for {engine.machine}")
        return Availability(ok=True, detail=f"engine {engine.version} at {engine.socket}")

    async def provide(self, root: Root, on_progress: OnProgress = lambda line: None) -> Root:
        """Import or pull the image for this root if the engine lacks it. Raises SandboxError."""
        _, images = await self._connect()
        image = await images.ensure(root, on_progress)
        return root if root.folder is not None else replace(root, digest=root.digest or image.digest)

    @asynccontextmanager
    async def start(self, spec: BoxSpec) -> AsyncGenerator[Box]:
        """Start a container; leaving the context removes it. Raises SandboxError."""
        engine, images = await self._connect()
        image = await images.ensure(spec.root, lambda line: None)
        body = container_body(
            spec,
            image=image.name,
            seccomp=_seccomp_for(engine),
            user=box_user(),
            labels=owner_labels(this_process()),
            volumes=image.volumes,
        )
        name = _container_name(spec.name)
        try:
            with _explained(spec, "create"):
                await engine.call(lambda client: client.create_container_from_config(body, name))
            async with attach(engine, name) as attached:
                with _explained(spec, "start"):
                    await engine.call(lambda client: client.start(name))
                box = DockerBox(engine, name, attached)
                try:
                    async with in_background(box.pump):
                        yield box
                finally:
                    box.close()
        finally:
            await _remove(engine, name)

    async def sweep(self) -> int:
        """Remove the containers whose gateway is dead; how many there were. Raises SandboxError."""
        try:
            engine, _ = await self._connect()
            found = await engine.call(lambda client: client.containers(all=True, filters={"label": OWNER}))
        except SandboxError:
            return 0  # no engine, no containers
        except engine_failures() as error:
            raise SandboxError(f"cannot list containers: {explain(error)}") from error
        us = this_process()
        orphans = [each["Id"] for each in found if is_orphan(each["Labels"], each["State"], us=us)]
        for orphan in orphans:
            await _remove(engine, orphan)
        return len(orphans)

    async def _connect(self) -> tuple[Engine, Images]:
        async with self._connecting:
            if self._connected is None:
                engine = await connect()
                self._connected = engine, Images(engine)
            return self._connected


@contextmanager
def _explained(spec: BoxSpec, step: str) -> Generator[None]:
    """Turn what the engine says about a step into an error that names the server."""
    try:
        yield
    except engine_failures() as error:
        said = explain(error)
        raise SandboxError(f"server {spec.name!r}: cannot {step} its container: {said}") from error


def _seccomp_for(engine: Engine) -> str:
    architecture = architecture_of(engine.machine)
    if architecture is None:
        raise SandboxError(f"no system call filter for {engine.machine}, so no containers there")
    return docker_profile(architecture)


def _container_name(server: str) -> str:
    """Known before the container exists, so that one whose creation was cut short is found and removed."""
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", server)[:40]
    return f"toolgate-{readable}-{secrets.token_hex(6)}"


async def _remove(engine: Engine, container: str) -> None:
    """Remove it, running or not, with the volumes that came with it. What fails is left to the next sweep."""
    with anyio.CancelScope(shield=True), anyio.move_on_after(_REMOVE_SECONDS):
        try:
            await engine.call(lambda client: client.remove_container(container, v=True, force=True))
        except engine_failures() as error:
            if not is_absent(error):
                _log.warning("cannot remove the container %s: %s", container, explain(error))
