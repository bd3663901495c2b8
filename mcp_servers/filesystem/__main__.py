"""`python -m mcp_servers.filesystem FOLDER...`"""

from __future__ import annotations

import argparse
from pathlib import Path

from mcp_servers.filesystem.server import build_server


def main() -> None:
    """Serve over stdio until standard input ends."""
    parser = argparse.ArgumentParser(prog="mcp_servers.filesystem", description="Files beneath the given folders.")
    parser.add_argument("folders", nargs="+", type=Path, help="absolute paths; relative ones mean the first")
    folders: list[Path] = parser.parse_args().folders
    for folder in folders:
        if not folder.is_absolute() or not folder.is_dir():
            parser.error(f"{folder} is not the absolute path of a folder")
    build_server(folders).run("stdio")


if __name__ == "__main__":
    main()
