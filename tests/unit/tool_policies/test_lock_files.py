from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tool_policies.lockfiles import READ, SOURCE, definitions, lockfile, odd_text, server
from tool_policies.lockfile import LockedServer, LockedTool, LockfileError, Source, read_lockfile, write_lockfile

TEXT = write_lockfile(lockfile(files=server(READ, {**READ, "name": "write"})))


def told(text):
    with pytest.raises(LockfileError) as refusal:
        read_lockfile(text, "tools.lock")
    return str(refusal.value)


def test_a_file_reads_well():
    assert write_lockfile(lockfile(files=server(READ))).splitlines() == [
        "# What each tool server offers, as it was reviewed: what stands here is what models are shown.",
        "# Written by `toolgate lock`. Review it like code; do not edit it.",
        "lock: 1",
        "servers:",
        "  files:",
        "    source:",
        '      npm: "@x/files@^1"',
        '      version: "1.2.3"',
        '      integrity: "sha512-abc=="',
        "    tools:",
        "      read:",
        f'        sha256: "{LockedTool.of(READ).sha256}"',
        "        definition:",
        "          name: read",
        "          title: Read",
        "          description: |-",
        "            Reads a file.",
        "            Whole.",
        "          inputSchema:",
        "            type: object",
        "            properties:",
        "              path:",
        "                type: string",
        "                description: where",
        "              lines:",
        "                type: integer",
        "            required:",
        "              - path",
        "          outputSchema:",
        "            type: object",
        "            properties:",
        "              text:",
        "                type: string",
        "          annotations:",
        "            readOnlyHint: true",
        "          _meta:",
        "            example.com/tier: 1",
        "# end of tools.lock",
    ]


@given(
    st.lists(definitions, max_size=3, unique_by=lambda one: one["name"]), st.dictionaries(odd_text, st.just(None))
)
def test_what_was_written_is_read_back(tools, names):
    written = lockfile(**dict.fromkeys(names, server(*tools)), last=server(*tools, source=None))
    read = read_lockfile(write_lockfile(written), "tools.lock")
    assert read == written
    for name, one in written.servers.items():
        for tool in one.tools.values():
            assert read.servers[name].tools[tool.name].definition == tool.definition
    assert write_lockfile(read) == write_lockfile(written)


@given(definitions)
def test_a_file_shows_whatever_is_in_it(definition):
    text = write_lockfile(lockfile(s=server(definition)))
    unseen = [character for character in text if not character.isprintable() and character not in "\n\t"]
    assert unseen == []


def test_a_name_that_only_looks_like_another_is_written_in_ascii():
    assert '"p\\u0430y"' in write_lockfile(lockfile(s=server({**READ, "name": "p\u0430y"})))


@pytest.mark.parametrize(
    "source",
    [
        Source("pypi", "time-server", "1.0", "sha256-00"),
        Source(
            "npm",
            "a",
            "1.0",
            "sha512-a==",
            packages=("a 1.0 sha512-a==", "b/node_modules/@c/d 2.0 sha1-x sha512-y"),
        ),
        Source("npm", "a", "1.0", packages=()),
        Source("image", "ghcr.io/acme/files:1", None, "sha256:00"),
        Source("url", "https://tools.example/mcp", issuer="https://login.example"),
        Source("command", "python3"),
        None,
    ],
)
def test_each_kind_of_source_is_kept(source):
    written = lockfile(s=server(source=source))
    assert read_lockfile(write_lockfile(written), "x").servers["s"].source == source


@given(st.integers(0, len(TEXT) - len("# end of tools.lock\n") + 10))
def test_a_file_that_was_cut_off_anywhere_is_refused(length):
    told(TEXT[:length])


@given(st.integers(0, len(TEXT) - 25), st.sampled_from("aZ09 \n:-"))
def test_no_single_character_can_be_changed_so_that_another_tool_is_read(place, character):
    edited = TEXT[:place] + character + TEXT[place + 1 :]
    try:
        read = read_lockfile(edited, "x").servers
    except LockfileError:
        return
    original = read_lockfile(TEXT, "x").servers
    known = {tool.sha256 for one in original.values() for tool in one.tools.values()}
    assert {tool.sha256 for one in read.values() for tool in one.tools.values()} <= known


@pytest.mark.parametrize(
    ("pattern", "replacement", "message"),
    [
        ("lock: 1", "lock: 2", "tools.lock:3: error: lock: this toolgate reads version 1 of the format"),
        ("lock: 1", "lock: true", "tools.lock:3: error: lock: the format's version is missing"),
        ("lock: 1", "lokc: 1", "tools.lock:3: error: lokc: is not known"),
        ("      write:", "      read:", "given twice"),
        ("Whole", "Half", "tools.lock:12: error: servers.files.tools.read.sha256: the definition is not the one"),
        (
            'sha256: "....',
            'sha256: "0000',
            "tools.lock:12: error: servers.files.tools.read.sha256: the definition",
        ),
        ('sha256: "..', 'sha256: "', "tools.lock:12: error: servers.files.tools.read.sha256: must be 64 hex"),
        (
            "name: read",
            "name: raed",
            "tools.lock:14: error: servers.files.tools.read.definition.name: is not the name",
        ),
        ("npm: .*", "nmp: x", "tools.lock:7: error: servers.files.source.nmp: is not known"),
        ("npm: .*", "npm: 5", "tools.lock:7: error: servers.files.source.npm: must be a text"),
        ("npm: .*", "url: x\n      command: y", "tools.lock:6: error: servers.files.source: must name one of"),
        (
            "npm: .*",
            "npm: x\n      packages: y",
            "tools.lock:8: error: servers.files.source.packages: must be a list",
        ),
        (
            "npm: .*",
            "npm: x\n      packages:\n        - a 1.0 sha512-b\n        - a 1.0",
            "tools.lock:10: error: servers.files.source.packages[1]: must be a text `NAME VERSION INTEGRITY`",
        ),
        ("definition:\n", "definition: x\n      more:\n", "tools.lock"),
        ("servers:\n", "servers:\n<<<<<<< HEAD\n", "tools.lock:6: error: not valid YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(pattern, replacement, message):
    assert message in told(re.sub(pattern, replacement, TEXT, count=1))


@pytest.mark.parametrize(
    "text", ["", "[]", "x", "{}", "lock: 1\nservers: []\n", "lock: 1\nservers: {a: []}\n", "\0"]
)
def test_what_is_no_lock_file_is_refused(text):
    assert "tools.lock" in told(text)


@given(odd_text)
def test_how_a_server_asks_to_be_used_is_kept(words):
    written = lockfile(s=LockedServer.of(SOURCE, [], words))
    assert read_lockfile(write_lockfile(written), "x") == written


def test_a_file_that_is_too_large_or_too_deep_is_refused():
    assert "bytes, more than" in told("#" * (17 * 1024 * 1024))
    many = "&a [" + "1," * 1000 + "]" + ", *a" * 1000
    assert "more than 500000 values" in told(f"lock: 1\nservers: [{many}]")
    assert "deeper than 64" in told("lock: 1\nservers: " + "[" * 200 + "]" * 200)


def test_servers_are_replaced_one_by_one_and_those_that_are_not_kept_are_gone():
    old = lockfile(a=server(READ), b=server(READ), c=server(READ))
    new = old.replaced({"b": server(source=None)}, keep=["a", "b"])
    assert list(new.servers) == ["a", "b"]
    assert new.servers["b"] == LockedServer(None, {})
    assert new.servers["a"].source == SOURCE
