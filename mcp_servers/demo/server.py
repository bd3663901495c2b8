"""Puts the demo's tools together; what they do is in the modules beside this one."""

from __future__ import annotations

from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations
from pydantic import Field

from mcp_servers.demo.calculator import calculate
from mcp_servers.demo.clock import current_time
from mcp_servers.demo.failures import add_test_tools
from mcp_servers.demo.notes import Notes

_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
# Writing a note again replaces it, so what it said before is lost.
_REPLACES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)

NoteName = Annotated[str, Field(description="The note's name", min_length=1, max_length=100)]


def build_server(*, test_tools: bool = False) -> MCPServer:
    """A new demo server with its own notes. `test_tools` adds tools that are slow, fail, crash or flood."""
    server = MCPServer("toolgate-demo", title="Demo", version="1", log_level="WARNING")
    server.tool(annotations=_READS, structured_output=False)(current_time)
    server.tool(annotations=_READS, structured_output=False)(calculate)
    _add_notes(server, Notes())
    if test_tools:
        add_test_tools(server)
    return server


def _add_notes(server: MCPServer, notes: Notes) -> None:
    @server.tool(annotations=_READS, structured_output=False)
    def list_notes() -> str:
        """List the names of all notes, one a line."""
        return "\n".join(notes.names()) or "There are no notes."

    @server.tool(annotations=_READS, structured_output=False)
    def read_note(name: NoteName) -> str:
        """Read a note."""
        return notes.read(name)

    @server.tool(annotations=_REPLACES, structured_output=False)
    def write_note(
        name: NoteName, text: Annotated[str, Field(description="The note's whole text", max_length=65_536)]
    ) -> str:
        """Write a note; one of the same name is replaced."""
        notes.write(name, text)
        return f"Wrote {name!r} ({len(text)} characters)."

    @server.tool(annotations=_REPLACES, structured_output=False)
    def delete_note(name: NoteName) -> str:
        """Delete a note."""
        notes.delete(name)
        return f"Deleted {name!r}."

    # The decorator keeps them; naming them here tells the type checker that they are used.
    _ = (list_notes, read_note, write_note, delete_note)
