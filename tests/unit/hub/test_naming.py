from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hub.naming import client_name, own_name, qualified_name, wire_name

ACCEPTED = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)

# Close to the joints and the digests, where names could be made to collide.
tricky = st.text(alphabet="a_-x2.é/", min_size=1, max_size=70)
servers = st.one_of(tricky, st.text(min_size=1, max_size=40)).filter(lambda name: "/" not in name)
tools = st.one_of(tricky, st.text(min_size=1, max_size=130))
pairs = st.tuples(servers, tools)


@pytest.mark.parametrize(
    ("server", "tool", "name"),
    [
        ("files", "read_file", "files__read_file"),
        ("git-hub", "list-issues", "git-hub__list-issues"),
        ("a", "b__c", "a__b__c"),
        ("s", "t" * 61, "s__" + "t" * 61),
    ],
)
def test_a_plain_name_joins_server_and_tool(server, tool, name):
    assert wire_name(server, tool) == name


@pytest.mark.parametrize(
    ("server", "tool"),
    [
        ("files", "read file"),
        ("files", "læs"),
        ("a__b", "c"),
        ("a_", "b"),
        ("s", "t" * 62),
        ("s", "t_x" + "a" * 12),
        ("", "t"),
        ("s", ""),
    ],
)
def test_a_name_that_could_be_refused_or_mistaken_carries_a_digest(server, tool):
    assert re.fullmatch(r".*_x[a-z2-7]{12}", wire_name(server, tool))


def test_the_names_of_tools_do_not_change_with_the_version_of_the_gateway():
    """They stand in stored conversations and policies: whoever changes this test breaks those."""
    assert wire_name("läger", "hämta/allt") == "l_ger__h_mta_allt_x77iyl5pe6y4f"


@given(pairs)
def test_every_model_api_accepts_the_name(pair):
    assert ACCEPTED.fullmatch(wire_name(*pair))


@given(pairs, pairs)
def test_two_tools_never_share_a_name(one, other):
    if one != other:
        assert wire_name(*one) != wire_name(*other)
        assert qualified_name(*one) != qualified_name(*other)


@given(tricky.filter(lambda name: "/" not in name), tricky, st.data())
def test_the_joint_cannot_be_moved_to_make_two_tools_alike(server, tool, data):
    whole = f"{server}__{tool}"
    cut = data.draw(st.integers(1, len(whole) - 3))
    other = (whole[:cut], whole[cut + 2 :])
    if whole[cut : cut + 2] == "__" and other != (server, tool) and "/" not in other[0]:
        assert wire_name(*other) != wire_name(server, tool)


@given(pairs)
def test_a_tool_cannot_be_called_by_the_name_that_another_ones_digest_made(pair):
    digested = wire_name(*pair)
    server, joint, tool = digested.partition("__")
    if joint and tool and (server, tool) != pair:
        assert wire_name(server, tool) != digested


def test_names_at_mcp_leave_room_for_a_clients_prefix():
    assert client_name("files", "read_file") == "files__read_file"
    assert own_name("files", "read.file") == "read.file"
    for name in (client_name("s", "t" * 46), own_name("s", "t" * 49), own_name("s", "a b"), own_name("s", "")):
        assert re.fullmatch(r"[a-z_]{0,34}_x[a-z2-7]{12}", name), name


@given(pairs)
def test_names_at_mcp_fit_every_client(pair):
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,48}", client_name(*pair), re.ASCII)
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,48}", own_name(*pair), re.ASCII)


@given(pairs, pairs)
def test_two_tools_never_share_a_name_at_mcp(one, other):
    if one != other:
        assert client_name(*one) != client_name(*other)


@given(servers, tools, tools)
def test_two_tools_of_a_server_never_share_a_name_of_its_own(server, one, other):
    if one != other:
        assert own_name(server, one) != own_name(server, other)
