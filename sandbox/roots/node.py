"""A root with a Node.js: the program and what it is linked with."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sandbox.roots.asking import ask
from sandbox.roots.libraries import plan_libraries
from sandbox.roots.plan import Plan
from sandbox.spec import SandboxError

INSIDE = "/usr/bin/node"

_DESCRIBE = "console.log(JSON.stringify({version: process.versions.node, executable: process.execPath}))"
# Distributions take a few modules out of the program and keep them here; it reads them when it starts.
_SHARED = Path("/usr/share/nodejs")
_SHARED_MODULES = ("acorn", "acorn-walk", "amaro", "cjs-module-lexer", "minimatch", "undici")


@dataclass(frozen=True, slots=True)
class NodeInstallation:
    """An installed Node.js."""

    version: str
    executable: Path


def describe_node(node: str = "node") -> NodeInstallation:
    """Ask Node where its program really is: on the path there may be a version manager's script.

    Raises SandboxError.
    """
    found = shutil.which(node)
    if found is None:
        raise SandboxError("this server needs Node.js, which is not on this machine", hint="install Node.js")
    said = ask([found, "-e", _DESCRIBE])
    return NodeInstallation(said["version"], Path(said["executable"]))


def plan_node(plan: Plan, node: NodeInstallation) -> None:
    """Add the program, as /usr/bin/node. Blocking, quick."""
    plan.copy(node.executable, INSIDE)
    for name in _SHARED_MODULES:
        for path in sorted((_SHARED / name).rglob("*")):
            if path.is_file():
                plan.copy(path, str(path))
    plan_libraries(plan, [node.executable])
