from __future__ import annotations

from gateway.cli.locking.rendering import render, to_json
from tool_policies.lockfile import LockedServer, Lockfile, Source, compare


def locked(*packages: str) -> Lockfile:
    return Lockfile({"files": LockedServer.of(Source("npm", "files", "1.0.0", "sha512-a", packages=packages), [])})


def test_of_many_packages_those_that_changed_are_shown():
    same = [f"p{number} 1.0.0 sha512-a" for number in range(50)]
    before, after = locked(*same, "z 1.0.0 sha512-a", "y 1.0.0 sha512-b"), locked(*same, "z 1.0.1 sha512-c")
    changes = compare(before, after)
    lines = list(render(changes))
    assert lines[lines.index("    packages") :] == [
        "    packages",
        "      - y 1.0.0 sha512-b",
        "      - z 1.0.0 sha512-a",
        "      + z 1.0.1 sha512-c",
    ]
    (told,) = to_json(changes)
    assert told["packages"] == {
        "removed": ["y 1.0.0 sha512-b", "z 1.0.0 sha512-a"],
        "added": ["z 1.0.1 sha512-c"],
    }


def test_of_a_server_that_is_new_their_number_is_shown():
    changes = compare(Lockfile(), locked("a 1.0.0 sha512-a", "b 1.0.0 sha512-b"))
    (source,) = [line for line in render(changes) if "npm files" in line]
    assert ", 2 packages " in source
    assert "    packages" not in list(render(changes))
