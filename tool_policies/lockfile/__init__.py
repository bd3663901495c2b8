"""Lock files: what each tool server offered when somebody looked at it, to be held against what it offers now.

Pure: texts and values in, values out. Above: `gateway.hub` verifies listings, `gateway.cli` writes and compares
files. Refuses to know: files on disk, MCP, how a server is started.
"""

from tool_policies.lockfile.canonical import Uncanonical, canonical_json, digest
from tool_policies.lockfile.comparing import (
    ABSENT,
    WORDS,
    ChangeKind,
    FieldChange,
    ServerChange,
    ToolChange,
    compare,
    kind_of_change,
)
from tool_policies.lockfile.document import LockedServer, LockedTool, Lockfile, Source, SourceKind
from tool_policies.lockfile.reading import LARGEST_LOCKFILE, LockfileError, read_lockfile
from tool_policies.lockfile.suspicion import suspicions
from tool_policies.lockfile.writing import write_lockfile

__all__ = [
    "ABSENT",
    "LARGEST_LOCKFILE",
    "WORDS",
    "ChangeKind",
    "FieldChange",
    "LockedServer",
    "LockedTool",
    "Lockfile",
    "LockfileError",
    "ServerChange",
    "Source",
    "SourceKind",
    "ToolChange",
    "Uncanonical",
    "canonical_json",
    "compare",
    "digest",
    "kind_of_change",
    "read_lockfile",
    "suspicions",
    "write_lockfile",
]
