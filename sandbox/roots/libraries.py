"""The shared libraries that a program needs, as this machine's dynamic loader would find them.

Above: `python` and `node`. Inside a root all libraries lie in one folder, that of the C library, which the loader
searches without being told; so run paths into a closed home need not exist there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from sandbox.roots.plan import Plan
from sandbox.spec import SandboxError

_FOUND = re.compile(r"\t(\S+) => (/\S+) \(0x[0-9a-f]+\)")
_LOADER = re.compile(r"\t(/\S+) \(0x[0-9a-f]+\)")
_DEADLINE_SECONDS = 60

# What compiled packages may expect of any Linux (PEP 600 and its predecessors), whether the interpreter needs it
# or not, and the parts of the C library that it opens by name.
_EXPECTED = (
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libz.so.1",
    "libexpat.so.1",
    "libm.so.6",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "libpthread.so.0",
    "libresolv.so.2",
    "libnss_dns.so.2",
    "libnss_files.so.2",
)


def plan_libraries(plan: Plan, programs: Sequence[Path]) -> None:
    """Add what `programs` (executables and extension modules) need to the plan. Blocking, about a second.

    A library that is not on this machine is passed over: the module that wants it does not load here either.
    Raises SandboxError.
    """
    libraries, loader = _resolve(programs)
    home = _home_of(libraries, loader)
    if home is None:
        return  # all are statically linked
    expected = [Path(folder, name) for name in _EXPECTED for folder in (home, "/usr/lib", "/usr/lib64")]
    more, _ = _resolve([path for path in expected if path.is_file()])
    for path in expected:
        if path.is_file():
            plan.copy(path, f"{home}/{path.name}")
    for name, path in {**libraries, **more}.items():
        plan.copy(path, f"{home}/{name}")
    if loader is not None:
        plan.copy(loader, str(loader))


def _home_of(libraries: dict[str, Path], loader: Path | None) -> str | None:
    library = libraries.get("libc.so.6") or loader
    return str(library.parent.resolve()) if library else None


def _resolve(programs: Sequence[Path]) -> tuple[dict[str, Path], Path | None]:
    """Library by the name under which it is sought, and the loader."""
    if not programs:
        return {}, None
    return parse_ldd(_run_ldd(programs))


def parse_ldd(lines: Iterable[str]) -> tuple[dict[str, Path], Path | None]:
    """Read what ldd prints, for any number of programs."""
    libraries: dict[str, Path] = {}
    loader: Path | None = None
    for line in lines:
        if found := _FOUND.match(line):
            libraries.setdefault(found[1], Path(found[2]))
        elif found := _LOADER.match(line):
            loader = loader or Path(found[1])
    return libraries, loader


def _run_ldd(programs: Sequence[Path]) -> list[str]:
    ldd = shutil.which("ldd")
    if ldd is None:
        raise SandboxError(
            "cannot assemble a root file system: ldd is not on this machine",
            hint="install it, or give the server an image with sandbox.image",
        )
    try:
        # A failure status only says that one of the programs is statically linked.
        done = subprocess.run(  # noqa: S603 - the programs are this machine's interpreters
            [ldd, *map(str, programs)],
            capture_output=True,
            timeout=_DEADLINE_SECONDS,
            check=False,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxError(f"cannot assemble a root file system: ldd failed: {error}") from error
    return done.stdout.decode(errors="replace").splitlines()
