"""Lock files for tests."""

from __future__ import annotations

from hypothesis import strategies as st

from tool_policies.lockfile import LockedServer, LockedTool, Lockfile, Source

READ = {
    "name": "read",
    "title": "Read",
    "description": "Reads a file.\nWhole.",
    "inputSchema": {
        "type": "object",
        "properties": {"path": {"type": "string", "description": "where"}, "lines": {"type": "integer"}},
        "required": ["path"],
    },
    "outputSchema": {"type": "object", "properties": {"text": {"type": "string"}}},
    "annotations": {"readOnlyHint": True},
    "_meta": {"example.com/tier": 1},
}
"""A definition with a member of each kind."""

SOURCE = Source("npm", "@x/files@^1", "1.2.3", "sha512-abc==")

odd_text = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("\n\n  \t\r:#-'\"\\|>&*!%@`{}[],?\u200b\u202e\ufe0f\u2028\x85\xa0\ufeff\x00\x7f"),
    ),
    max_size=12,
)
numbers = st.one_of(
    st.integers(-(2**63), 2**63), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([1e21, -0.0])
)
scalars = st.one_of(st.none(), st.booleans(), numbers, odd_text)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_text, inner, max_size=3),
    max_leaves=12,
)
definitions = st.builds(
    lambda name, rest: {**rest, "name": name},
    st.text(min_size=1, max_size=8),
    st.dictionaries(odd_text, json_values),
)


def server(*definitions: object, source: Source | None = SOURCE) -> LockedServer:
    return LockedServer.of(source, [LockedTool.of(one) for one in definitions])


def lockfile(**servers: LockedServer) -> Lockfile:
    return Lockfile(servers)
