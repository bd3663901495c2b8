"""Holds servers to what was locked of them, or, without a lock file, to what was first seen of them.

Above: the hub hands it each listing, before anything of it is on offer; calls never come here. Below:
`tool_policies.lockfile`. Refuses to know: transports, keys, where sightings are kept.
"""

from gateway.hub.locking.first_use import FirstSights, FirstUseVerifier
from gateway.hub.locking.judging import OnChange
from gateway.hub.locking.locked import LockVerifier
from gateway.hub.locking.reporting import Report, Reporter, describe_drift
from gateway.hub.locking.verifier import Unverified, Verifier

__all__ = [
    "FirstSights",
    "FirstUseVerifier",
    "LockVerifier",
    "OnChange",
    "Report",
    "Reporter",
    "Unverified",
    "Verifier",
    "describe_drift",
]
