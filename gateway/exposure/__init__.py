"""Which tools one request gets, and how a model sees them.

Above: the API asks for an exposure and attaches its definitions. Below: the hub's catalogue and a compiled
policy. Refuses to know: wire formats, HTTP, how a tool is called.
"""

from gateway.exposure.checks import check_names, check_required
from gateway.exposure.definitions import define
from gateway.exposure.exposure import Exposer, Exposure, Narrowings, VisibilityPolicy
from gateway.exposure.selection import Selection

__all__ = [
    "Exposer",
    "Exposure",
    "Narrowings",
    "Selection",
    "VisibilityPolicy",
    "check_names",
    "check_required",
    "define",
]
