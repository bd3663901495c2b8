"""`docker run` commands: half of the published server configs use them. They become our own image spec.

What the operator wrote as options of an unconfined container is read as wishes: the image, its environment and
its mounts are honoured under our rules, and any other option is refused by name instead of being dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.spec import Mount, SandboxError
from sandbox.store.mounts import parse_mount

_IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9._:/@-]{0,254}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Every box is interactive, removed at its end, has an init and a name of ours.
_ALREADY_SO = frozenset({"-i", "--interactive", "--rm", "--init"})
_SHORT_WITH_VALUE = ("-e", "-v")


@dataclass(frozen=True, slots=True)
class ImageRun:
    """An image to run, with arguments for its own entry point."""

    image: str
    args: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    mounts: tuple[Mount, ...]


def parse_docker_run(tool: str, args: Sequence[str], env: Mapping[str, str]) -> ImageRun:
    """Parse what follows `docker` or `podman` (`tool`). `env` is the server's own; it feeds `-e NAME`.

    As with docker itself, only variables that `-e` names get inside. Raises SandboxError, naming the flag, for
    any other option.
    """
    rest = list(args)
    if not rest or rest.pop(0) != "run":
        raise SandboxError(f"{tool}: only `{tool} run` can be a server's command")
    inside: dict[str, str] = {}
    mounts: list[Mount] = []
    takes_value: dict[str, Callable[[str], None]] = {
        "-e": lambda value: inside.update([_variable(value, env, tool)]),
        "-v": lambda value: mounts.append(_volume(value)),
        "--mount": lambda value: mounts.append(_bind(value)),
        "--name": lambda value: None,
    }
    takes_value |= {"--env": takes_value["-e"], "--volume": takes_value["-v"]}
    while rest and rest[0].startswith("-"):
        flag, value = _split_flag(rest.pop(0))
        if flag == "--":
            break
        if flag in _ALREADY_SO and value in (None, "true"):
            continue
        if flag not in takes_value:
            raise SandboxError(
                f"{tool} run: the flag {flag} is not supported",
                hint="supported are -e, -v, --mount type=bind, -i, --rm, --init and --name; "
                "limits and network are set under `sandbox`",
            )
        if value is None and not rest:
            raise SandboxError(f"{tool} run: the flag {flag} needs a value")
        takes_value[flag](rest.pop(0) if value is None else value)
    if not rest or not _IMAGE.fullmatch(rest[0]):
        raise SandboxError(f"{tool} run: {rest[0]!r} is no image" if rest else f"{tool} run: no image is named")
    return ImageRun(rest[0], tuple(rest[1:]), inside, tuple(mounts))


def _split_flag(text: str) -> tuple[str, str | None]:
    """`--env=A=1` and `-eA=1` carry their value, `--env A=1` does not."""
    if text.startswith("--"):
        flag, equals, value = text.partition("=")
        return flag, value if equals else None
    if text[:2] in _SHORT_WITH_VALUE and len(text) > 2:
        return text[:2], text[2:].removeprefix("=")
    return text, None


def _variable(text: str, env: Mapping[str, str], tool: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not _VARIABLE.fullmatch(name):
        raise SandboxError(f"{tool} run: -e: {name!r} is no name of a variable")
    if equals:
        return name, value
    if name not in env:
        raise SandboxError(
            f"{tool} run: -e {name}: the server's env does not set it",
            hint=f"the gateway's own environment is not passed on; write env: {{{name}: ...}}",
        )
    return name, env[name]


def _volume(text: str) -> Mount:
    # SELinux labels concern hosts that enforce it and are harmless elsewhere; they are the engine's matter.
    return parse_mount(re.sub(r":(ro|rw)?,?[zZ]$", lambda match: f":{match[1]}" if match[1] else "", text))


def _bind(text: str) -> Mount:
    """`type=bind,source=/a,target=/b[,readonly]`; writable only if `readwrite` or `rw` says so."""
    options: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        options[name] = value
    if options.pop("type", None) != "bind":
        raise SandboxError(f"docker run: --mount {text}: only type=bind is supported")
    source = options.pop("source", None) or options.pop("src", None)
    target = options.pop("target", None) or options.pop("dst", None) or options.pop("destination", None)
    if not source or not target:
        raise SandboxError(f"docker run: --mount {text}: source and target are needed")
    writable = options.pop("rw", None) is not None or options.pop("readwrite", None) is not None
    for name in ("readonly", "ro"):
        writable = options.pop(name, None) is None and writable
    if options:
        raise SandboxError(f"docker run: --mount: the option {min(options)} is not supported")
    return Mount(Path(source), target, writable)
