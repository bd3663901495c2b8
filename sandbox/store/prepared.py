"""What a server's command comes to once everything that it needs lies on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from sandbox.spec import Mount, Origin

OnProgress = Callable[[str], None]
"""Receives one line for people, without line end, whenever a long step begins or ends."""

PACKAGE_FOLDER = "/opt/server"
"""Where a folder of the store is seen inside a box, read-only."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program for an interpreter, which may need a `folder` of the store.

    For Python the folder goes on the import path; for Node `script` is a file in it. The command line is the
    interpreter, `interpreter_args`, the script, `args`.
    """

    runtime: Literal["python", "node"]
    origin: Origin
    args: tuple[str, ...]
    folder: Path | None = None
    interpreter_args: tuple[str, ...] = ()
    script: PurePosixPath | None = None

    def argv(self, interpreter: str, folder: str) -> tuple[str, ...]:
        """The command line where the interpreter and the folder are found at these paths."""
        script = (f"{folder}/{self.script}",) if self.script else ()
        return (interpreter, *self.interpreter_args, *script, *self.args)

    def environment(self, env: Mapping[str, str], folder: str) -> dict[str, str]:
        """The server's own `env`, and what its runtime needs to find the folder at this path."""
        if self.runtime != "python" or self.folder is None:
            return dict(env)
        own = env.get("PYTHONPATH")
        return {**env, "PYTHONPATH": f"{own}:{folder}" if own else folder}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A command with nothing left to fetch.

    `argv[0]` is a path inside the root; for the host backend it is a program of this machine, and `root_kind`
    means nothing. `argv` of an image may be empty: then its own command runs. `env` is for inside the box only.
    `cwd` is a path inside, None for the workspace or `/`.
    """

    argv: tuple[str, ...]
    root_kind: Literal["python", "node", "image"]
    origin: Origin
    image: str | None = None
    mounts: tuple[Mount, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    cwd: str | None = None
