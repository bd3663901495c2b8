"""The environment that a runtime needs inside, before the server's own variables."""

from __future__ import annotations

from sandbox.roots.system import CA_BUNDLE
from sandbox.spec import Root

_EVERYWHERE = {"HOME": "/tmp"}  # noqa: S108 - inside it is the box's own
_ASSEMBLED = {"PATH": "/usr/bin", "LANG": "C.UTF-8"}
# Not PYTHONUNBUFFERED: where a pipe takes less than was written, Python's unbuffered text layer drops the rest.
_PYTHON = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1"}


def environment_inside(root: Root) -> dict[str, str]:
    """Variables for a box with this root. An image brings its own, except for a home that can be written to."""
    if root.kind == "image":
        return dict(_EVERYWHERE)
    inside = {**_EVERYWHERE, **_ASSEMBLED, **(_PYTHON if root.kind == "python" else {})}
    if root.folder is not None and (root.folder / CA_BUNDLE.lstrip("/")).is_file():
        inside["SSL_CERT_FILE" if root.kind == "python" else "NODE_EXTRA_CA_CERTS"] = CA_BUNDLE
    return inside
