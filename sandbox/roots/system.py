"""The few files of /etc and /usr/share that programs expect on any machine."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from sandbox.roots.plan import Plan
from sandbox.workspaces import BOX_UID

CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
"""Where the certificate bundle is inside, if this machine has one."""

_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_ZONES = Path("/usr/share/zoneinfo")
# Two more copies of all zones, for those that count leap seconds differently.
_DOUBLE_ZONES = frozenset({"posix", "right"})


def plan_system(plan: Plan, *, uid: int, gid: int, zones: Path = _ZONES) -> None:
    """Add accounts, name services, certificates and time zones. `uid` and `gid` are those of the box."""
    plan.folders |= {"/dev", "/proc", "/run", "/sys", "/tmp", "/usr/bin", "/usr/lib"}  # noqa: S108 - inside
    plan.texts["/etc/passwd"] = _accounts("root:x:0:0:root:/:/", "nobody:x:65534:65534:nobody:/tmp:/", uid, gid)
    plan.texts["/etc/group"] = "".join(
        f"{name}:x:{number}:\n"
        for name, number in {
            "root": 0,
            "nogroup": BOX_UID,
            **({} if gid in (0, BOX_UID) else {"box": gid}),
        }.items()
    )
    plan.texts["/etc/nsswitch.conf"] = "passwd: files\ngroup: files\nhosts: files dns\n"
    plan.texts["/etc/hosts"] = "127.0.0.1 localhost\n::1 localhost\n"
    plan.texts["/etc/resolv.conf"] = ""
    if bundle := _bundle():
        plan.copy(bundle, CA_BUNDLE)
    for path in sorted(zones.rglob("*")):
        where = path.relative_to(zones)
        if where.parts[0] not in _DOUBLE_ZONES and path.is_file() and path.resolve().is_relative_to(zones):
            plan.copy(path, f"{_ZONES}/{where}")


def _accounts(root: str, nobody: str, uid: int, gid: int) -> str:
    """Programs ask for the account that they run as, and some fail when there is none."""
    own = [] if uid in (0, BOX_UID) else [f"box:x:{uid}:{gid}:box:/tmp:/"]
    return "".join(f"{line}usr/sbin/nologin\n" for line in (root, nobody, *own))


def _bundle() -> Path | None:
    """The operator's bundle if one is set, because it may hold the certificate of their own authority."""
    chosen = (os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, *_BUNDLES)
    return next((Path(path) for path in chosen if path and Path(path).is_file()), None)
