"""Images of the operator's: pulled when they are not there, run under our rules, never fetched unheard."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import secrets
import tarfile
import threading
from contextlib import contextmanager
from dataclasses import replace

import anyio
import docker
import pytest

from sandbox import BoxSpec, Limits, Root, Sandbox, SandboxError, StdioServer, open_sandbox
from sandbox.docker import DockerBackend
from sandbox.docker.images import image_name
from sandbox.spec import Origin

from .boxes import DEADLINE_SECONDS, read_all

pytestmark = [pytest.mark.docker]
MIB = 1024 * 1024
OCI = "application/vnd.oci.image"


@pytest.fixture
def engine():
    client = docker.from_env()
    yield client.api
    client.close()


@pytest.fixture
async def python_image(boxes):
    """The name of the image that was imported from our root."""
    root = await boxes.root()
    await DockerBackend().provide(root)
    return image_name(root)


@pytest.fixture
def derived_image(engine, python_image):
    """An image with a folder, a command and a volume of its own, as a published one may have."""
    name = "toolgate-test-derived:1"
    text = (
        f"FROM {python_image}\n"
        "ENV OWN=1\nWORKDIR /etc\nVOLUME /var/lib/data\n"
        'ENTRYPOINT ["/usr/bin/python3", "-c"]\n'
        'CMD ["import os; print(os.getcwd())"]\n'
    )
    for _ in engine.build(fileobj=io.BytesIO(text.encode()), tag=name, rm=True):
        pass
    yield name
    engine.remove_image(name, force=True)


async def run(image: str, *argv: str, **options) -> str:
    spec = BoxSpec("s", argv, Root("image", image=image), **options)
    with anyio.fail_after(DEADLINE_SECONDS):
        async with DockerBackend().start(spec) as box:
            output = (await read_all(box)).decode()
            ended = await box.wait()
    assert ended.code == 0, box.stderr_tail()
    return output


async def test_an_image_keeps_its_entry_point_its_command_and_its_folder(derived_image):
    assert await run(derived_image) == "/etc\n"
    assert await run(derived_image, "import os; print(os.environ['OWN'], os.getcwd())", cwd="/usr") == "1 /usr\n"


async def test_an_image_runs_under_our_rules(derived_image):
    code = "import os; print(os.getuid() != 0, os.access('/etc/passwd', os.W_OK), os.listdir('/sys/class/net'))"
    assert await run(derived_image, code) == "True False ['lo']\n"


async def test_a_volume_of_an_image_is_bounded_and_in_memory(derived_image):
    code = (
        "print([line.split()[2] for line in open('/proc/mounts') if ' /var/lib/data ' in line])\n"
        "try:\n"
        "    for n in range(20): open(f'/var/lib/data/{n}', 'wb').write(bytes(1 << 20))\n"
        "except OSError as error: print(n, error.strerror)\n"
    )
    said = await run(derived_image, code, limits=Limits(disk_bytes=4 * MIB))
    assert said == "['tmpfs']\n4 No space left on device\n"


async def test_a_root_is_imported_once_however_many_want_it(boxes, engine, python_image):
    engine.remove_image(python_image, force=True)
    backend, lines = DockerBackend(), []
    root = await boxes.root()
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(backend.provide, root, lines.append)
    assert len(lines) == 1, lines
    assert root.folder.name in lines[0]
    assert engine.inspect_image(python_image)["Config"]["Volumes"] is None


def layer() -> bytes:
    """Never the same twice: the engine is everybody's."""
    content = secrets.token_bytes(16)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("hello")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@contextmanager
def registry(name: str):
    """A registry on the loopback that has one image; its address, and the paths that were asked for."""
    blobs: dict[str, tuple[str, bytes]] = {}

    def add(kind: str, data: bytes) -> dict[str, object]:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        blobs[digest] = (kind, data)
        return {"mediaType": kind, "size": len(data), "digest": digest}

    files = layer()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/hello"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(files).hexdigest()}"]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": add(f"{OCI}.config.v1+json", json.dumps(config).encode()),
        "layers": [add(f"{OCI}.layer.v1.tar", files)],
    }
    described = add(f"{OCI}.manifest.v1+json", json.dumps(manifest).encode())
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            what = self.path.rpartition("/")[2]
            if self.path == "/v2/":
                self.answer(200, "application/json", b"{}")
            elif what == "1.0" and f"/{name}/" in self.path:
                self.answer(200, *blobs[str(described["digest"])])
            elif what in blobs:
                self.answer(200, *blobs[what])
            else:
                self.answer(404, "application/json", b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')

        do_HEAD = do_GET  # noqa: N815 - the name is the server's

        def answer(self, status: int, kind: str, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(data).hexdigest()}")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}", asked
        server.shutdown()


def image_server(image: str) -> StdioServer:
    return StdioServer("pulled", "docker", ("run", "-i", "--rm", image))


@pytest.fixture
def sandbox(home) -> Sandbox:
    return open_sandbox(state_dir=home / "state", cache_dir=home / "cache")


async def test_an_image_is_pulled_when_a_server_is_prepared_and_the_progress_is_told(sandbox, engine, home):
    lines: list[str] = []
    with registry("tools/hello") as (address, asked):
        image = f"{address}/tools/hello:1.0"
        await sandbox.prepare(image_server(image), lines.append)
        requests = len(asked)
        assert requests > 0
        await open_sandbox(state_dir=home / "state", cache_dir=home / "cache").prepare(image_server(image))
        assert len(asked) == requests  # it is here now
    assert lines[0] == f"pulling the image {image}"
    assert any("pull complete" in line for line in lines)
    engine.remove_image(engine.inspect_image(image)["Id"], force=True)


def pinned(image: str, origin: Origin) -> StdioServer:
    return replace(image_server(image), pin=origin)


async def test_an_image_is_known_by_its_digest_and_fetched_again_by_it(sandbox, engine, home):
    with registry("tools/hello") as (address, asked):
        image = f"{address}/tools/hello:1.0"
        origin = (await sandbox.prepare(image_server(image))).origin
        said = engine.inspect_image(image)
        (known_as,) = said["RepoDigests"]
        assert origin == Origin("image", image, None, known_as.partition("@")[2])

        engine.remove_image(said["Id"], force=True)
        asked.clear()
        fresh = open_sandbox(state_dir=home / "state", cache_dir=home / "cache")
        assert (await fresh.prepare(pinned(image, origin))).origin == origin
        # The engine may have kept the manifest, which is small, and then asks for what stands in it alone.
        assert any("sha256:" in path for path in asked), "it was fetched again"
        assert not any(path.endswith("/1.0") for path in asked), "what the tag means by now does not matter"
        engine.remove_image(said["Id"], force=True)


async def test_another_image_under_the_locked_name_is_not_run(engine, derived_image, sandbox):
    origin = (await sandbox.prepare(image_server(derived_image))).origin
    assert origin.integrity == engine.inspect_image(derived_image)["Id"], "no registry knows it"
    assert (await sandbox.prepare(pinned(derived_image, origin))).origin == origin
    other = replace(origin, integrity=f"sha256:{'0' * 64}")
    with pytest.raises(SandboxError, match="0000"):
        await sandbox.prepare(pinned(derived_image, other))


async def test_a_name_that_has_come_to_mean_another_image_is_not_enough(engine, derived_image, python_image):
    digest = engine.inspect_image(derived_image)["Id"]
    name = "toolgate-test-moved"
    engine.tag(derived_image, name, "1")
    root = Root("image", image=f"{name}:1", digest=digest)
    await DockerBackend().provide(root)
    engine.tag(python_image, name, "1")
    try:
        with pytest.raises(SandboxError, match="cannot pull"):
            await DockerBackend().provide(root)
    finally:
        engine.remove_image(f"{name}:1", force=True)


@pytest.mark.parametrize("tag", ["2.0", "no-such"])
async def test_an_image_that_cannot_be_pulled_is_an_error_with_a_hint(sandbox, tag):
    with (
        registry("tools/hello") as (address, _),
        pytest.raises(SandboxError, match=f"cannot pull the image {address}/tools/hello:{tag}") as caught,
    ):
        await sandbox.prepare(image_server(f"{address}/tools/hello:{tag}"))
    assert "docker login" in caught.value.hint


async def test_a_registry_that_is_not_there_is_an_error_with_its_reason(sandbox):
    with pytest.raises(SandboxError, match=r"cannot pull the image 127\.0\.0\.1:9/x:1.*refused"):
        await sandbox.prepare(image_server("127.0.0.1:9/x:1"))
