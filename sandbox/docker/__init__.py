"""Boxes by a container engine that speaks Docker's API on a unix socket."""

from sandbox.docker.backend import DockerBackend

__all__ = ["DockerBackend"]
