"""Boxes by bubblewrap: namespaces without a daemon, for Linux machines without a container engine."""

from sandbox.bubblewrap.backend import BubblewrapBackend

__all__ = ["BubblewrapBackend"]
