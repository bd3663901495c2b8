"""Keeps assembled root file systems: each once per state of the runtime that it was copied from.

Above: `sandbox.sandbox` asks for one before it starts a box. Below: `python` and `node` plan, `plan` copies, and
the store's shelf publishes a finished folder at once or not at all.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread

from sandbox.roots.node import describe_node, plan_node
from sandbox.roots.plan import Plan, carry_out
from sandbox.roots.python import describe_python, plan_python
from sandbox.roots.system import plan_system
from sandbox.spec import Root, SandboxError
from sandbox.store.prepared import OnProgress
from sandbox.store.python_runtime import compile_packages
from sandbox.store.shelf import Request, Shelf
from sandbox.workspaces import box_user


class RuntimeRoots:
    """Roots beneath `cache_dir`/roots, from `python` (ours by default) and from the Node on the path."""

    def __init__(self, cache_dir: Path, *, python: Path = Path(sys.executable)) -> None:
        self._shelf = Shelf(cache_dir / "roots")
        self._python = python
        self._known: dict[str, Root] = {}
        self._locks = {"python": anyio.Lock(), "node": anyio.Lock()}

    async def ensure(self, kind: Literal["python", "node"], on_progress: OnProgress = lambda line: None) -> Root:
        """The root with this interpreter, assembled unless it is there: seconds the first time, then at once.

        What was found stays valid for the life of this object. Raises SandboxError.
        """
        async with self._locks[kind]:
            known = self._known.get(kind)
            if known is None or known.folder is None or not known.folder.is_dir():
                known = self._known[kind] = await self._assemble(kind, on_progress)
            return known

    async def _assemble(self, kind: Literal["python", "node"], on_progress: OnProgress) -> Root:
        try:
            version, plan = await anyio.to_thread.run_sync(self._plan, kind)
            request = Request(kind, (version, await anyio.to_thread.run_sync(plan.digest)), os.uname().machine)

            async def install(folder: Path) -> str:
                on_progress(f"assembling a root file system from this machine's {kind} {version}")
                await anyio.to_thread.run_sync(carry_out, plan, folder)
                if kind == "python":
                    await compile_packages(folder, python=self._python, seen_as="/")
                return version

            installed = await self._shelf.get(request, install)
        except OSError as error:
            raise SandboxError(
                f"could not assemble the root file system for {kind}: {error}",
                hint="check that the cache folder can be written to and has room",
            ) from error
        return Root(kind, folder=installed.folder)

    def _plan(self, kind: Literal["python", "node"]) -> tuple[str, Plan]:
        plan = Plan()
        uid, gid = box_user()
        plan_system(plan, uid=uid, gid=gid)
        if kind == "python":
            python = describe_python(self._python)
            plan_python(plan, python)
            return python.version, plan
        node = describe_node()
        plan_node(plan, node)
        return node.version, plan
