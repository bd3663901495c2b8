"""The code blocks of README.md and docs/, as tests see them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"(?:<!-- (?P<note>[^>]*) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Block:
    page: Path
    language: str
    text: str
    note: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.text.strip().splitlines()[0][:40]}"


def blocks(page: Path) -> list[Block]:
    """The page's code blocks, in order; `note` is the comment just above a block."""
    return [
        Block(page, found["language"], found["text"], (found["note"] or "").strip())
        for found in _BLOCK.finditer(page.read_text())
    ]


def commands(page: Path) -> list[str]:
    """The shell commands of a page, each whole, without comments."""
    text = "\n".join(block.text for block in blocks(page) if block.language == "sh")
    lines = re.sub(r"\\\n", " ", text).split("\n")
    whole: list[str] = []
    for line in lines:
        if whole and whole[-1].count("'") % 2:
            whole[-1] += f"\n{line}"
        elif stripped := re.sub(r"\s+#.*$", "", line).strip():
            whole.append(stripped)
    return whole


def files(page: Path) -> dict[str, str]:
    """The files that a page shows, by name."""
    return {
        block.note.removeprefix("file: "): block.text for block in blocks(page) if block.note.startswith("file: ")
    }
