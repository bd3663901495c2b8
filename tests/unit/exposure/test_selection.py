from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.conversation import Message, Text, ToolCall, ToolChoice, ToolResult
from gateway.exposure import Exposer
from gateway.exposure.selection import MOST_FOUND, SEARCH, LazyIndex, SearchTool, ToolIndex
from gateway.exposure.selection.words import stem, words_in
from gateway.hub import CatalogueTool, wire_name
from gateway.hub.catalogue import build_catalogue, read_listing
from tool_policies import Policy, PolicyFile, load_policies


def tool(qualified: str, description: str = "", **arguments: str) -> CatalogueTool:
    server, _, name = qualified.partition("/")
    properties = {key: {"type": "string", "description": about} for key, about in arguments.items()}
    schema: dict[str, Any] = {"type": "object", "properties": properties, "required": list(arguments)[:1]}
    (read,) = read_listing(server, [{"name": name, "description": description, "inputSchema": schema}]).tools
    return read


TOOLS = (
    tool("github/create_issue", "Open a new issue in a repository.", owner="", title="", body=""),
    tool("github/listPullRequests", "List pull requests of a repository", owner="", state="open or closed"),
    tool("github/get_file_contents", "Read a file or a directory", path="where it is"),
    tool("jira/create-ticket", "Makes an issue.", project="", summary=""),
    tool("slack/post_message", "Send a message to a channel", channel_id="", text=""),
    tool("db/run_query", "Executes SQL against the database", sql="the statement"),
)


def best(query: str, tools: Sequence[CatalogueTool] = TOOLS, visible: set[str] | None = None) -> list[str]:
    names = {one.qualified for one in tools} if visible is None else visible
    return [found.tool.qualified for found in ToolIndex(tools).rank(query, names)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("listPullRequests", ["list", "pull", "request"]),
        ("get_file-contents.v2", ["get", "fil", "content", "v", "2"]),
        ("HTTPServer", ["http", "server"]),
        ("Lists the repositories that you have", ["list", "repository"]),
        ("Créer un événement", ["créer", "un", "événement"]),
        ("查询天气", ["查询", "询天", "天气"]),
        ("x" * 41, []),
        ("", []),
    ],
)
def test_names_and_texts_are_split_into_words(text: str, words: list[str]):
    assert list(words_in(text)) == words


@pytest.mark.parametrize(
    "forms",
    [
        ("create", "creates", "created", "creating"),
        ("query", "queries"),
        ("branch", "branches"),
        ("box", "boxes"),
        ("run", "running", "runs"),
        ("delete", "deleted", "deleting"),
        ("message", "messages"),
        ("class", "classes"),
    ],
)
def test_forms_of_a_word_have_one_stem(forms: tuple[str, ...]):
    assert len({stem(form) for form in forms}) == 1


@pytest.mark.parametrize("word", ["is", "status", "access", "analysis", "sing", "red", "string"])
def test_what_only_looks_like_an_ending_stays(word: str):
    assert stem(word) == word


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("open an issue on github", "github/create_issue"),
        ("which pull requests are open", "github/listPullRequests"),
        ("create ticket", "jira/create-ticket"),
        ("send slack message", "slack/post_message"),
        ("execute sql statement", "db/run_query"),
        ("show me a folder", "github/get_file_contents"),
    ],
)
def test_the_tool_that_is_meant_comes_first(query: str, first: str):
    assert best(query)[0] == first


def test_a_name_counts_more_than_a_description_and_that_more_than_an_argument():
    tools = (tool("a/x", "", y="the zebra"), tool("b/x", "of a zebra"), tool("c/zebra"))
    assert best("zebra", tools) == ["c/zebra", "b/x", "a/x"]


def test_equal_tools_stand_in_the_order_of_their_names():
    tools = tuple(tool(f"s{number}/same") for number in (3, 1, 2))
    assert best("same", tools) == ["s1/same", "s2/same", "s3/same"]


def test_a_text_that_repeats_itself_does_not_win_by_that():
    tools = (tool("spam/thing", "invoice " * 5000), tool("good/fetch_invoice", "Read an invoice"))
    assert best("fetch an invoice", tools)[0] == "good/fetch_invoice"


WORDS = st.sampled_from(
    ("create", "list", "issue", "file", "message", "channel", "query", "repo", "user", "event")
)
SOME_TOOLS = st.lists(
    st.tuples(st.sampled_from("abc"), st.lists(WORDS, min_size=1, max_size=3), st.lists(WORDS, max_size=6)),
    min_size=1,
    max_size=12,
    unique_by=lambda one: (one[0], tuple(one[1])),
).map(lambda ones: [tool(f"{server}/{'_'.join(name)}", " ".join(about)) for server, name, about in ones])


@given(SOME_TOOLS, st.lists(WORDS, max_size=5).map(" ".join), st.data())
def test_a_hidden_tool_is_never_found_and_changes_no_score(
    tools: list[CatalogueTool], query: str, data: st.DataObject
):
    visible = data.draw(st.sets(st.sampled_from([one.qualified for one in tools])))
    shown = [one for one in tools if one.qualified in visible]
    assert ToolIndex(tools).rank(query, visible) == ToolIndex(shown).rank(query, visible)


@given(SOME_TOOLS, st.lists(WORDS, max_size=5).map(" ".join), st.randoms(use_true_random=False))
def test_the_order_in_which_tools_are_listed_does_not_matter(
    tools: list[CatalogueTool], query: str, chance: random.Random
):
    names = {one.qualified for one in tools}
    shuffled = chance.sample(tools, len(tools))
    ranked = ToolIndex(tools).rank(query, names)
    assert ToolIndex(shuffled).rank(query, names) == ranked
    assert [found.score for found in ranked] == sorted((found.score for found in ranked), reverse=True)


@given(st.text(max_size=600))
def test_any_text_can_be_searched_for(query: str):
    assert len(best(query)) <= len(TOOLS)


async def search(tools: Sequence[CatalogueTool], query: str, **more: Any) -> tuple[str, tuple[str, ...]]:
    result = await SearchTool(LazyIndex(tools), tools).run({"query": query, **more})
    return result.text(), result.loads


async def test_a_result_names_each_tool_with_its_arguments_and_the_first_line_of_what_it_does():
    tools = (tool("a/find_zebra", "Finds one.\nThen much more of no use.", name="", colour=""),)
    text, loads = await search(tools, "zebra")
    assert text.splitlines()[1:] == ["- a__find_zebra(name, colour?): Finds one."]
    assert loads == ("a__find_zebra",)


async def test_text_that_would_deceive_a_reader_is_made_visible_in_results():
    text, _ = await search((tool("a/zebra", "one\u202ex"),), "zebra")
    assert "one\\u{202e}x" in text


async def test_no_more_is_found_than_was_asked_for():
    tools = [tool(f"s/zebra_{number}") for number in range(20)]
    assert len((await search(tools, "zebra"))[1]) == 5
    assert len((await search(tools, "zebra", limit=2))[1]) == 2
    assert len((await search(tools, "zebra", limit=10))[1]) == 10


async def test_what_fits_far_worse_than_the_best_is_left_out():
    tools = [tool("s/count_striped_zebra"), *(tool(f"s/other_{number}", "", x="a zebra") for number in range(5))]
    assert (await search(tools, "count striped zebra"))[1] == ("s__count_striped_zebra",)


async def test_a_search_for_nothing_that_is_there_names_the_services():
    text, loads = await search(TOOLS, "weather")
    assert loads == ()
    assert "github, jira, slack, db" in text


def test_no_tool_of_a_server_can_have_the_name_of_the_search():
    assert wire_name("toolgate", "search_tools") == SEARCH
    assert wire_name("toolgat", "e__search_tools") != SEARCH
    assert wire_name("toolgate__search", "tools") != SEARCH


def policy(*allow: str) -> Policy:
    text = f"version: 1\npolicies:\n  p:\n    allow: {list(allow)}\n"
    loaded, _ = load_policies([PolicyFile("p.yaml", text)])
    return loaded.policy_for(["p"])


MANY = build_catalogue(
    1,
    [
        read_listing(server, [{"name": f"do_{number}", "inputSchema": {"type": "object"}} for number in range(15)])
        for server in ("a", "b")
    ],
)


def test_pinned_tools_are_shown_at_first_behind_the_search_in_the_order_of_the_catalogue():
    exposure = Exposer[Policy]().expose(MANY, policy("a/*", "b/*"), {}, pins=("b/do_1", "a/do_2*"))
    assert [one.name for one in exposure.definitions] == [SEARCH, "a__do_2", "b__do_1"]
    assert len(exposure.tools) == 30
    assert exposure.selection is not None
    assert len(exposure.selection.others) == 28
    assert exposure.names == {SEARCH, *(one.wire_name for one in MANY.tools)}


def test_a_pin_does_not_show_what_the_policy_hides():
    exposure = Exposer[Policy]().expose(MANY, policy("a/*"), {}, pins=("b/do_1",))
    assert [one.name for one in exposure.definitions] == [SEARCH]


def test_where_one_search_could_find_all_that_is_not_pinned_all_is_shown():
    few = tuple(f"a/do_{number}" for number in range(15 - MOST_FOUND))
    exposure = Exposer[Policy]().expose(MANY, policy("a/*"), {}, pins=few)
    assert exposure.selection is None
    assert len(exposure.definitions) == 15


def test_pins_of_another_request_are_remembered_apart():
    exposer, given_policy = Exposer[Policy](), policy("a/*")
    assert exposer.expose(MANY, given_policy, {}).selection is None
    assert exposer.expose(MANY, given_policy, {}, pins=()).selection is not None
    assert exposer.expose(MANY, given_policy, {}).selection is None


def test_a_conversation_tells_of_tools_in_the_order_in_which_they_came_up():
    exposure = Exposer[Policy]().expose(MANY, policy("a/*"), {}, pins=("a/do_0",))
    assert exposure.selection is not None
    messages = (
        Message("user", (Text("a__do_9"),)),
        Message("assistant", (ToolCall("1", SEARCH, "{}"), ToolCall("2", "a__do_7", "{}"))),
        Message("tool", (ToolResult("1", (), loads=("a__do_3", "a__do_0", "b__do_1", "a__do_2")),)),
        Message("tool", (ToolResult("2", (Text("a__do_8"),)),)),
        Message("assistant", (ToolCall("3", "a__do_2", "{}"), ToolCall("4", "a__do_1", "{}"))),
    )
    told = [one.name for one in exposure.selection.told_of(messages)]
    assert told == ["a__do_7", "a__do_3", "a__do_2", "a__do_1"]
    for end in range(len(messages)):
        shorter = [one.name for one in exposure.selection.told_of(messages[:end])]
        assert told[: len(shorter)] == shorter, "what stands before never changes"


def test_a_choice_means_the_tools_that_it_names():
    exposure = Exposer[Policy]().expose(MANY, policy("a/*"), {}, pins=())
    assert exposure.selection is not None
    named = exposure.selection.meant_by(ToolChoice("named", "a__do_4"))
    among = exposure.selection.meant_by(ToolChoice("auto", among=("a__do_5", "theirs", "a__do_4")))
    assert [one.name for one in named] == ["a__do_4"]
    assert [one.name for one in among] == ["a__do_5", "a__do_4"]
    assert exposure.selection.meant_by(None) == ()
