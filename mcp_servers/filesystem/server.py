"""The filesystem server's tools, as a model sees them; what they do is in `files` and `listing`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations
from pydantic import Field

from mcp_servers.filesystem import files, listing
from mcp_servers.filesystem.folders import Folders

_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_REPLACES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)
_CHANGES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
)

FilePath = Annotated[str, Field(description="Path of the file", min_length=1, max_length=4096)]
FolderPath = Annotated[str, Field(description="Path of the folder", min_length=1, max_length=4096)]
AnyPath = Annotated[str, Field(description="Path of the file or folder", min_length=1, max_length=4096)]
Pattern = Annotated[
    str,
    Field(
        description="Such as *.md; with a slash, such as notes/*.md, it is held against the whole path",
        min_length=1,
    ),
]


def build_server(folders: Sequence[Path]) -> MCPServer:
    """A new filesystem server for these folders. Raises OSError when one cannot be opened."""
    allowed = Folders(folders)
    server = MCPServer(
        "toolgate-filesystem",
        title="Files",
        version="1",
        instructions=f"Paths are absolute, beneath {allowed.shown}, or relative to the first of these folders.",
        log_level="WARNING",
    )
    _add_reading(server, allowed)
    _add_writing(server, allowed)
    return server


def _add_reading(server: MCPServer, allowed: Folders) -> None:
    @server.tool(annotations=_READS, structured_output=False)
    def read_file(
        path: FilePath,
        offset: Annotated[int, Field(description="First line, counting from 1", ge=1)] = 1,
        limit: Annotated[int, Field(description="How many lines at most", ge=1, le=100_000)] = 2000,
    ) -> str:
        """Read a text file, whole or some of its lines."""
        return files.read_text(allowed, path, offset, limit)

    @server.tool(annotations=_READS, structured_output=False)
    def list_directory(path: FolderPath = ".") -> str:
        """List a folder: kind, size in bytes and name of each entry."""
        return listing.list_folder(allowed, path)

    @server.tool(annotations=_READS, structured_output=False)
    def search_files(pattern: Pattern, path: FolderPath = ".") -> str:
        """Find files and folders by name beneath a folder; paths in the answer are relative to it."""
        return listing.search(allowed, path, pattern)

    @server.tool(annotations=_READS, structured_output=False)
    def file_info(path: AnyPath) -> str:
        """Describe a file or folder: kind, size, time of the last change, permissions."""
        return listing.describe(allowed, path)

    _ = (read_file, list_directory, search_files, file_info)  # the decorator keeps them


def _add_writing(server: MCPServer, allowed: Folders) -> None:
    @server.tool(annotations=_REPLACES, structured_output=False)
    def write_file(path: FilePath, content: Annotated[str, Field(description="The file's whole text")]) -> str:
        """Write a text file; one that is there is replaced as a whole."""
        return f"Wrote {files.write_text(allowed, path, content)} bytes to {path}."

    @server.tool(annotations=_CHANGES, structured_output=False)
    def edit_file(
        path: FilePath,
        old_text: Annotated[str, Field(description="Text to replace, exactly as in the file", min_length=1)],
        new_text: Annotated[str, Field(description="Text to put in its place")],
        replace_all: Annotated[bool, Field(description="Replace every occurrence, not just a single one")] = False,
    ) -> str:
        """Replace a piece of text in a file."""
        count = files.edit_text(allowed, path, old_text, new_text, every=replace_all)
        return f"Replaced {count} {'place' if count == 1 else 'places'} in {path}."

    @server.tool(annotations=_CHANGES, structured_output=False)
    def delete_file(path: FilePath) -> str:
        """Delete a file. Folders are not deleted."""
        files.delete(allowed, path)
        return f"Deleted {path}."

    @server.tool(annotations=_ADDS, structured_output=False)
    def make_directory(path: FolderPath) -> str:
        """Make a folder, and those above it that are missing."""
        return f"Made {path}." if listing.make_folder(allowed, path) else f"{path} was there already."

    _ = (write_file, edit_file, delete_file, make_directory)  # the decorator keeps them
