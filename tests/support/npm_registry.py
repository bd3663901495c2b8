"""A registry of npm packages on loopback, for the real npm: what it needs to install, and no more."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote


@dataclass
class Registry:
    """`archives` and `manifests` are by name and version; `newest` has the version that a name means by itself."""

    url: str = ""
    archives: dict[tuple[str, str], bytes] = field(default_factory=dict[tuple[str, str], bytes])
    manifests: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict[tuple[str, str], dict[str, Any]])
    newest: dict[str, str] = field(default_factory=dict[str, str])

    def publish(self, name: str, version: str, *, code: str = "", needs: Mapping[str, str] | None = None) -> None:
        """Another package, or other content under the name of one that is there."""
        manifest = {"name": name, "version": version, "bin": "main.js", "dependencies": dict(needs or {})}
        self.manifests[name, version] = manifest
        self.archive(name, version, {"package.json": json.dumps(manifest), "main.js": code})
        self.newest[name] = version

    def archive(self, name: str, version: str, files: Mapping[str, str]) -> None:
        """What is in a package, whatever npm is told of it."""
        self.archives[name, version] = _archive(files)

    def about(self, name: str) -> dict[str, Any] | None:
        """What npm is told of a package."""
        versions = {
            version: {
                **manifest,
                "dist": {"tarball": self.address(name, version), "integrity": self.integrity(name, version)},
            }
            for (known, version), manifest in self.manifests.items()
            if known == name
        }
        return (
            {"name": name, "dist-tags": {"latest": self.newest[name]}, "versions": versions} if versions else None
        )

    def address(self, name: str, version: str) -> str:
        """Where the archive lies."""
        return f"{self.url}/-/{name}/{version}.tgz"

    def integrity(self, name: str, version: str) -> str:
        """Of the archive as it is now."""
        digest = hashlib.sha512(self.archives[name, version]).digest()
        return f"sha512-{base64.b64encode(digest).decode()}"


def _archive(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


@contextmanager
def serving_registry() -> Generator[Registry]:
    """A registry without packages."""
    registry = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(self.path).removeprefix("/")
            name, _, version = path.removeprefix("-/").rpartition("/")
            if path.startswith("-/"):
                body = registry.archives.get((name, version.removesuffix(".tgz")))
            else:
                told = registry.about(path)
                body = None if told is None else json.dumps(told).encode()
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_request(self, code: Any = "-", size: Any = "-") -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        registry.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()
            thread.join()
