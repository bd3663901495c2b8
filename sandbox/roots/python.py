"""A root with a Python: the interpreter, its standard library and what they are linked with."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.roots.asking import ask
from sandbox.roots.libraries import plan_libraries
from sandbox.roots.plan import Plan

INSIDE = "/usr/bin/python3"

_DESCRIBE = """
import json, os, sys, sysconfig
print(json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3],
    "executable": os.path.realpath(sys.executable),
    "library": sysconfig.get_path("stdlib"),
    "extensions": sysconfig.get_config_var("DESTSHARED") or "",
    "folder": "%s/python%d.%d" % (sys.platlibdir, *sys.version_info[:2]),
}))
"""
_LEFT_OUT_FOLDERS = frozenset(
    {
        "__pycache__",
        "dist-packages",
        "ensurepip",
        "idlelib",
        "lib-dynload",
        "site-packages",
        "test",
        "tests",
        "tkinter",
        "turtledemo",
    }
)
_LEFT_OUT_FILES = re.compile(r"sitecustomize\.py|usercustomize\.py|EXTERNALLY-MANAGED|.*\.(a|o|pyc)")
_LEFT_OUT_EXTENSIONS = re.compile(r"_tkinter\.|_test|_ctypes_test|_xxtestfuzz|xx")


@dataclass(frozen=True, slots=True)
class PythonInstallation:
    """An installed Python. `folder` is where its library lies below the prefix, such as `lib/python3.12`."""

    version: str
    executable: Path
    library: Path
    extensions: Path
    folder: str


def describe_python(python: Path) -> PythonInstallation:
    """Ask an interpreter where its parts are; one of a virtual environment names its base. Raises SandboxError."""
    said = ask([str(python), "-I", "-S", "-c", _DESCRIBE])
    library = Path(said["library"])
    extensions = Path(said["extensions"])
    if not extensions.is_dir():
        extensions = library / "lib-dynload"
    return PythonInstallation(said["version"], Path(said["executable"]), library, extensions, said["folder"])


def plan_python(plan: Plan, python: PythonInstallation) -> None:
    """Add the interpreter, as /usr/bin/python3, and its library without test suites. Blocking, about a second."""
    inside = f"/usr/{python.folder}"
    plan.copy(python.executable, INSIDE)
    plan.links["/usr/bin/python"] = "python3"
    for path in _library(python.library):
        plan.copy(path, f"{inside}/{path.relative_to(python.library)}")
    extensions = [
        path for path in sorted(python.extensions.glob("*.so")) if not _LEFT_OUT_EXTENSIONS.match(path.name)
    ]
    for path in extensions:
        plan.copy(path, f"{inside}/lib-dynload/{path.name}")
    # Its presence is how Python recognises its prefix, even where every module is built in.
    plan.folders.add(f"{inside}/lib-dynload")
    plan_libraries(plan, [python.executable, *extensions])


def _library(library: Path) -> Iterator[Path]:
    for inside, folders, files in os.walk(library):
        folders[:] = sorted(
            name for name in folders if name not in _LEFT_OUT_FOLDERS and not name.startswith("config-")
        )
        for name in sorted(files):
            path = Path(inside, name)
            if not _LEFT_OUT_FILES.fullmatch(name) and path.is_file():
                yield path
