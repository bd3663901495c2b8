"""A tool server with sixty tools, as `python office.py`: five things to do with each of twelve kinds of papers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from mcp.server.mcpserver import MCPServer
from pydantic import Field

Number = Annotated[int, Field(description="The number of the paper")]
PAPERS = (
    "invoice",
    "contract",
    "receipt",
    "passport",
    "payslip",
    "warranty",
    "timetable",
    "recipe",
    "newsletter",
    "blueprint",
    "certificate",
    "licence",
)
DEEDS = {
    "create": "Write a new {} and file it",
    "fetch": "Read one {} by its number",
    "archive": "Put a {} away for good",
    "translate": "Put a {} into another language",
    "sign": "Put a signature under a {}",
}


def build_server() -> MCPServer:
    """A server whose tools say what they were called with."""
    server = MCPServer("office", version="1", log_level="WARNING")
    for paper in PAPERS:
        for deed, words in DEEDS.items():
            server.tool(name=f"{deed}_{paper}", description=words.format(paper), structured_output=False)(
                _deed(deed, paper)
            )
    return server


def _deed(deed: str, paper: str) -> Callable[[int], str]:
    def run(number: Number) -> str:
        return f"{deed} {paper} {number}: done"

    return run


if __name__ == "__main__":
    build_server().run("stdio")
