"""The last step before bubblewrap, in a fresh interpreter: gives up root, sets limits, becomes bubblewrap.

Above: `sandbox.bubblewrap.backend` runs this file with one argument, JSON: see `main`. Imports nothing of ours.

Run by root, bubblewrap's own `--uid` would only rename root inside; so the user is changed here, for good. The
number of processes must be limited from outside but only once the box's user namespace is there: a limit set
earlier would count every process of the same user on this machine. So a short-lived child waits for bubblewrap to
report its namespace, sets the limit on the first process in it, and only then lets it run.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any


def main(settings: dict[str, Any]) -> None:
    """`user` and `group` to become (null to stay), `limits` by rlimit name, `processes` (null for no limit).

    `ready` is a descriptor that gets a byte when the namespace is there, and `argv` the command.
    """
    for name, value in settings["limits"].items():
        _limit(0, name, value)
    if settings["user"] is not None:
        os.setgroups([])
        os.setresgid(settings["group"], settings["group"], settings["group"])
        os.setresuid(settings["user"], settings["user"], settings["user"])
    info, info_for_bubblewrap = os.pipe()
    block_for_bubblewrap, block = os.pipe()
    if os.fork() == 0:
        os.close(info_for_bubblewrap)
        os.close(block_for_bubblewrap)
        # Once more, so that the one who waits is no child of bubblewrap's.
        if os.fork() == 0:
            _release_when_limited(info, block, settings)
        os._exit(0)
    os.wait()
    for descriptor in (info, block, settings["ready"]):
        os.close(descriptor)
    for descriptor in (info_for_bubblewrap, block_for_bubblewrap):
        os.set_inheritable(descriptor, True)
    program, *options = settings["argv"]
    channels = ("--info-fd", str(info_for_bubblewrap), "--block-fd", str(block_for_bubblewrap))
    os.execve(program, (program, *channels, *options), {})  # noqa: S606 - there is no shell to want


def _release_when_limited(info: int, block: int, settings: dict[str, Any]) -> None:
    """Without a report bubblewrap has failed, and says why by itself."""
    # The box's pipes must not stay open through this process.
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    report = b""
    while data := os.read(info, 4096):
        report += data
    if report:
        if settings["processes"] is not None:
            _limit(json.loads(report)["child-pid"], "RLIMIT_NPROC", settings["processes"])
        os.write(settings["ready"], b"1")
        os.write(block, b"1")
    os._exit(0)


def _limit(pid: int, name: str, value: int) -> None:
    which = getattr(resource, name)
    _, most = resource.prlimit(pid, which)
    value = value if most == resource.RLIM_INFINITY else min(value, most)
    resource.prlimit(pid, which, (value, value))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
