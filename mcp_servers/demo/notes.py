"""Notes that live as long as the process."""

from __future__ import annotations

from mcp.server.mcpserver.exceptions import ToolError

_MOST_NOTES = 200


class Notes:
    """Texts by name. Every failure is a ToolError for the model to read."""

    def __init__(self) -> None:
        self._texts = {"welcome": "These notes are kept in memory and are gone when the server stops."}

    def names(self) -> list[str]:
        """All names in order."""
        return sorted(self._texts)

    def read(self, name: str) -> str:
        """The text of a note."""
        try:
            return self._texts[name]
        except KeyError:
            raise ToolError(f"there is no note {name!r}") from None

    def write(self, name: str, text: str) -> None:
        """Write or replace a note."""
        if name not in self._texts and len(self._texts) >= _MOST_NOTES:
            raise ToolError(f"there are {_MOST_NOTES} notes already; delete one first")
        self._texts[name] = text

    def delete(self, name: str) -> None:
        """Delete a note."""
        self.read(name)
        del self._texts[name]
