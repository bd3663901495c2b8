"""What `toolgate lock` takes down of servers that are listed more than once while it looks."""

from __future__ import annotations

from gateway.cli.locking.gathering import Gathered
from gateway.hub.catalogue import read_listing
from tool_policies.lockfile import Source

SOURCE = Source("npm", "files", "1.0.0", "sha512-x")
GOOD = {"name": "read", "inputSchema": {"type": "object"}}


async def test_the_last_listing_counts_and_what_is_left_out_is_told_once():
    gathered = Gathered()
    for _ in range(2):
        await gathered.verify("files", SOURCE, read_listing("files", [GOOD, {"name": "odd"}]))
    packages, odd = gathered.left_out
    assert packages.startswith("files: it is not known of every package")
    assert odd.startswith("files: the tool odd: ")
    await gathered.verify("files", SOURCE, read_listing("files", [GOOD, {**GOOD, "name": "odd"}]))
    assert gathered.left_out == [packages]
    assert gathered.servers["files"].tools.keys() == {"odd", "read"}
