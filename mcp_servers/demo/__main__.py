"""`python -m mcp_servers.demo [--test-tools]`"""

from __future__ import annotations

import argparse

from mcp_servers.demo.server import build_server


def main() -> None:
    """Serve over stdio until standard input ends."""
    parser = argparse.ArgumentParser(prog="mcp_servers.demo", description="A clock, notes and a calculator.")
    parser.add_argument("--test-tools", action="store_true", help="add tools that are slow, fail, crash or flood")
    build_server(test_tools=parser.parse_args().test_tools).run("stdio")


if __name__ == "__main__":
    main()
