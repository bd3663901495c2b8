"""The list as a Docker seccomp profile, which goes to the engine inline."""

from __future__ import annotations

import json
from typing import Any

from sandbox.seccomp.allowed import ABSENT, ABSENT_ERRNO, ALWAYS, CONDITIONS, REFUSED_ERRNO, Condition
from sandbox.seccomp.numbers import Architecture


def docker_profile(architecture: Architecture) -> str:
    """The profile as JSON. Naming one architecture shuts the 32-bit entry points."""
    rules: list[dict[str, Any]] = [
        {"names": list(ALWAYS), "action": "SCMP_ACT_ALLOW"},
        *({"names": [each.call], "action": "SCMP_ACT_ALLOW", "args": [_argument(each)]} for each in CONDITIONS),
        {"names": list(ABSENT), "action": "SCMP_ACT_ERRNO", "errnoRet": ABSENT_ERRNO},
    ]
    profile = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": REFUSED_ERRNO,
        "architectures": [architecture.libseccomp],
        "syscalls": rules,
    }
    return json.dumps(profile, separators=(",", ":"))


def _argument(condition: Condition) -> dict[str, Any]:
    """`value` is the mask and `valueTwo` what must remain, in libseccomp's masked comparison."""
    return {
        "index": condition.index,
        "op": "SCMP_CMP_MASKED_EQ",
        "value": condition.mask,
        "valueTwo": condition.value,
    }
