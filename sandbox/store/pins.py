"""Packages that were locked: what came must be what was locked."""

from __future__ import annotations

from sandbox.spec import Origin, SandboxError

_HINT = (
    "find out why before you run it: under the same version the registry gave other content; "
    "once the entry is out of tools.lock, `toolgate lock` accepts what there is now"
)


def check_pin(pin: Origin | None, version: str, integrity: str | None) -> None:
    """Raises SandboxError when a package is not the one that `pin` was made of."""
    if pin is None or pin.version is None:
        return
    if version != pin.version:
        raise SandboxError(
            f"{pin.asked} was locked at version {pin.version}, and {version} was installed", hint=_HINT
        )
    if pin.integrity is not None and integrity != pin.integrity:
        found = integrity or "not known"
        raise SandboxError(
            f"{pin.asked} {version} is not what was locked: its integrity is {found}, locked is {pin.integrity}",
            hint=_HINT,
        )
