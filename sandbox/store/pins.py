"""Packages that were locked: what came must be what was locked."""

from __future__ import annotations

from sandbox.spec import Origin, SandboxError

_HINT = (
    "find out why before you run it: under the same version the registry gave other content; "
    "once the entry is out of tools.lock, `toolgate lock` accepts what there is now"
)

_MOST_NAMED = 3  # packages, in an error


def check_pin(pin: Origin | None, found: Origin) -> None:
    """Raises SandboxError when what was installed is not what `pin` was made of."""
    if pin is None or pin.version is None:
        return
    version, integrity = found.version, found.integrity
    if version != pin.version:
        raise SandboxError(
            f"{pin.asked} was locked at version {pin.version}, and {version} was installed", hint=_HINT
        )
    if pin.integrity is not None and integrity != pin.integrity:
        now = integrity or "not known"
        raise SandboxError(
            f"{pin.asked} {version} is not what was locked: its integrity is {now}, locked is {pin.integrity}",
            hint=_HINT,
        )
    if pin.packages is not None and found.packages != pin.packages:
        raise SandboxError(
            f"{pin.asked} {version} did not come with the packages that were locked with it: "
            f"{_difference(pin.packages, found.packages)}",
            hint=_HINT,
        )


def _difference(locked: tuple[str, ...], found: tuple[str, ...] | None) -> str:
    if found is None:
        return "which came is not known"
    differing = sorted(set(locked).symmetric_difference(found))
    more = len(differing) - _MOST_NAMED
    return ", ".join(differing[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "") + " differ"


def has_pinned(pin: Origin, found: Origin) -> bool:
    """Whether an installation that is there is what was locked, as far as that was known."""
    return (
        found.version == pin.version
        and pin.integrity in (None, found.integrity)
        and pin.packages in (None, found.packages)
    )
