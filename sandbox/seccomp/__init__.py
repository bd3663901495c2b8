"""Which system calls a box may make: one list, written for Docker as JSON and for bubblewrap as a BPF program."""

from sandbox.seccomp.filter_program import compile_filter
from sandbox.seccomp.numbers import AARCH64, X86_64, Architecture, architecture_of
from sandbox.seccomp.profile import docker_profile

__all__ = ["AARCH64", "X86_64", "Architecture", "architecture_of", "compile_filter", "docker_profile"]
