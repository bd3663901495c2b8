"""Runs a package manager: a clean environment, a deadline, and its last words in the error."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio

from sandbox.spec import SandboxError

DEADLINE_SECONDS = 300.0
_LAST_LINES = 8
_HINT = "check the package's name and version, and that the package index can be reached"

# What a package manager needs to reach its index, and nothing else: the gateway's environment holds secrets.
_PASSED_ON = re.compile(
    r"PATH|HOME|TMPDIR|LANG|LC_ALL|XDG_CACHE_HOME|XDG_CONFIG_HOME"
    r"|(HTTP|HTTPS|ALL|NO)_PROXY"
    r"|SSL_CERT_FILE|SSL_CERT_DIR|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE|NODE_EXTRA_CA_CERTS"
    r"|PIP_(CERT|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|CONFIG_FILE|DEFAULT_TIMEOUT)"
    r"|UV_(INDEX_URL|DEFAULT_INDEX|INDEX|FIND_LINKS|SYSTEM_CERTS|NATIVE_TLS)"
    r"|NPM_CONFIG_(REGISTRY|CAFILE|USERCONFIG|CACHE|PROXY|HTTPS_PROXY)",
    re.IGNORECASE,
)


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What of `environ` a package manager gets; names count without regard to case, as the tools do it."""
    return {name: value for name, value in environ.items() if _PASSED_ON.fullmatch(name)}


async def run_package_manager(
    argv: Sequence[str],
    *,
    cwd: Path,
    what: str,
    hint: str = _HINT,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> str:
    """Run `argv` in `cwd` and return its standard output. `what` completes "could not ..." in the error.

    `hint` says what to do when it fails.

    Raises SandboxError with its last lines when it fails, cannot be started, or outlasts the deadline (it is
    killed then).
    """
    try:
        with anyio.fail_after(deadline_seconds):
            done = await anyio.run_process(
                list(argv), cwd=cwd, env=clean_environment(os.environ), check=False, stdin=subprocess.DEVNULL
            )
    except TimeoutError:
        raise SandboxError(
            f"could not {what}: {Path(argv[0]).name} did not finish within {deadline_seconds:.0f} s",
            hint="check the network, the proxy settings and the package index",
        ) from None
    except OSError as error:
        raise SandboxError(
            f"could not {what}: cannot run {argv[0]}: {error.strerror}",
            hint=f"install {Path(argv[0]).name} on this machine, or give the server an image with sandbox.image",
        ) from error
    if done.returncode != 0:
        last = _last_lines(done.stderr) or _last_lines(done.stdout) or f"exit status {done.returncode}"
        raise SandboxError(
            f"could not {what}: {last}",
            hint=hint,
        )
    return done.stdout.decode(errors="replace")


def _last_lines(output: bytes) -> str:
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    return " | ".join(line[:300] for line in lines[-_LAST_LINES:])
