"""Root file systems for boxes, assembled from this machine's own Python and Node: nothing is downloaded."""

from sandbox.roots.environment import environment_inside
from sandbox.roots.runtime_roots import RuntimeRoots

__all__ = ["RuntimeRoots", "environment_inside"]
