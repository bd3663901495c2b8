"""Brings images to the engine: roots that we assembled are imported, the operator's are pulled, each once.

Above: `sandbox.docker.backend`. Nothing is pulled without a line to whoever waits for it, and to the log.
"""

from __future__ import annotations

import logging
import tarfile
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.from_thread

from sandbox.docker.engine import Client, Engine, engine_failures, explain, is_absent
from sandbox.spec import Root, SandboxError
from sandbox.store.prepared import OnProgress

_log = logging.getLogger(__name__)

_REPOSITORY = "toolgate-root"
_PULL_SECONDS = 900
_IMPORT_SECONDS = 300
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Image:
    """An image of the engine. `volumes` are the paths that it declares as such.

    `digests` are all that it can be known by, the first of them the best: what a registry knows it by, under the
    name that was asked for, if one gave it; else the engine's own id.
    """

    name: str
    volumes: tuple[str, ...]
    digests: tuple[str, ...] = ()

    @property
    def digest(self) -> str | None:
        """The best of its digests."""
        return self.digests[0] if self.digests else None


class Images:
    """Which images an engine has. One object per engine; safe for concurrent use by tasks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._fetching = anyio.Lock()

    async def ensure(self, root: Root, on_progress: OnProgress) -> Image:
        """The image for this root, fetched if it is not there. Raises SandboxError."""
        name = image_name(root)
        if root.digest is not None:
            return await self._ensure_this(name, root.digest, on_progress)
        if (found := await self._find(name)) is not None:
            return found
        async with self._fetching:
            # Another task may have brought it meanwhile.
            if (found := await self._find(name)) is not None:
                return found
            if root.folder is not None:
                await self._import(root.folder, name, on_progress)
            else:
                await self._pull(name, on_progress)
            found = await self._find(name)
        if found is None:
            raise SandboxError(f"the image {name} is not there although it was fetched")
        return found

    async def _ensure_this(self, name: str, digest: str, on_progress: OnProgress) -> Image:
        """The image with this digest, whatever the name means by now. It is run by its id, which cannot change."""
        exact = f"{_repository(name)}@{digest}"
        async with self._fetching:
            for known_as in (name, exact):
                if (found := await self._find(known_as)) and digest in found.digests:
                    return replace(found, name=found.digests[-1])
            await self._pull(exact, on_progress)
            found = await self._find(exact)
        if found is None or digest not in found.digests:
            raise SandboxError(f"the image {name} is not the one that was locked, {digest}")
        return replace(found, name=found.digests[-1])

    async def _find(self, name: str) -> Image | None:
        try:
            said = await self._engine.call(lambda client: client.inspect_image(name))
        except engine_failures() as error:
            if is_absent(error):
                return None
            raise SandboxError(f"cannot look for the image {name}: {explain(error)}") from error
        config: dict[str, Any] = said.get("Config") or {}
        volumes = tuple(cast("dict[str, Any]", config.get("Volumes") or {}))
        return Image(name, volumes, _digests(said, _repository(name)))

    async def _import(self, folder: Path, name: str, on_progress: OnProgress) -> None:
        _announce(f"importing {folder.name} into the container engine", on_progress)
        try:
            with anyio.fail_after(_IMPORT_SECONDS):
                await self._engine.call(lambda client: _import_folder(client, folder, name))
        except engine_failures() as error:
            raise SandboxError(f"cannot import {folder.name} into the engine: {explain(error)}") from error

    async def _pull(self, name: str, on_progress: OnProgress) -> None:
        _announce(f"pulling the image {name}", on_progress)

        def run(client: Client) -> None:
            for event in client.pull(name, stream=True, decode=True):
                anyio.from_thread.check_cancelled()
                if "error" in event:
                    raise SandboxError(str(event["error"]))
                if line := _progress_line(event):
                    anyio.from_thread.run_sync(on_progress, line)

        try:
            with anyio.fail_after(_PULL_SECONDS):
                await self._engine.call(run, may_abandon=True)
        except (*engine_failures(), SandboxError) as error:
            raise SandboxError(
                f"cannot pull the image {name}: {explain(error)}",
                hint="check its name, the network, and `docker login` for its registry; "
                f"or bring it here: docker pull {name}",
            ) from error
        _log.info("pulled the image %s", name)


def image_name(root: Root) -> str:
    """The image's name; for a folder it ends in the digest that the folder's name ends in."""
    if root.folder is not None:
        return f"{_REPOSITORY}-{root.kind}:{root.folder.name.rpartition('-')[2]}"
    if root.image is None:
        raise SandboxError("a root without a folder and without an image")
    # Without a tag the engine would pull every one that there is.
    last = root.image.rpartition("/")[2]
    return root.image if ":" in last or "@" in last else f"{root.image}:latest"


def _repository(name: str) -> str:
    """The name without tag and digest."""
    name = name.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"


def _digests(said: dict[str, Any], repository: str) -> tuple[str, ...]:
    """What registries know it by, first where it goes by this name; the engine's id comes last."""
    known: list[str] = said.get("RepoDigests") or []
    own_first = sorted(known, key=lambda one: one.partition("@")[0] != repository)
    return (*(one.partition("@")[2] for one in own_first), str(said["Id"]))


def _announce(line: str, on_progress: OnProgress) -> None:
    _log.info(line)
    on_progress(line)


def _progress_line(event: dict[str, Any]) -> str | None:
    """Steps of a pull that a person wants to see; the engine also reports every few kilobytes."""
    status = event.get("status")
    if status in ("Pull complete", "Already exists") and event.get("id"):
        return f"layer {event['id']}: {str(status).lower()}"
    if isinstance(status, str) and status.startswith(("Digest:", "Status:")):
        return status
    return None


def _import_folder(client: Client, folder: Path, name: str) -> None:
    """Through a file beside the folder, so that an archive that could not be finished is never sent."""
    repository, _, tag = name.partition(":")
    with tempfile.TemporaryFile(dir=folder.parent) as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            archive.add(folder, arcname=".", filter=_as_in_a_system)
        file.seek(0)
        pieces = iter(lambda: file.read(_PIECE), b"")
        client.import_image_from_stream(pieces, repository=repository, tag=tag)


def _as_in_a_system(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """As root would have installed it. Some runtimes give the tmpfs on /tmp the mode that the folder has here."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    if entry.name == "./tmp":
        entry.mode = 0o1777
    return entry
