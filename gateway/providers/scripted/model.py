"""The scripted model: a pure function that picks tools by simple words. It understands nothing, and says so.

It lets toolgate be seen at work without a provider: each clause of the last user message may call one tool; once
the results are there, it tells what each of them said, refusals included, and stops.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from gateway.providers.scripted.choosing import OfferedTool, choose, offered_tools
from gateway.providers.scripted.filling import fill_arguments
from gateway.providers.scripted.json_values import as_list, as_object
from gateway.providers.scripted.phrases import clauses, read_phrase
from gateway.providers.scripted.turns import Call, Turn
from gateway.providers.scripted.wire import text_of

_MOST_CALLS = 4
_LONGEST_RESULT = 600  # characters of a result that are told
_REFUSED = re.compile(r"\W*(?:refused|denied|forbidden|blocked|not (?:allowed|permitted))\b", re.IGNORECASE)


def respond(request: Mapping[str, Any]) -> Turn:
    """The answer to a chat completion request. The same request always gets the same answer."""
    messages = cast("Sequence[Mapping[str, Any]]", request.get("messages", ()))
    if messages and messages[-1].get("role") == "tool":
        return Turn(text=_tell(messages))
    asked = next((text_of(message) for message in reversed(messages) if message.get("role") == "user"), "")
    tools = offered_tools(request)
    calls = _calls(asked, _allowed_by_choice(request, tools), request)
    return Turn(calls=calls) if calls else Turn(text=_chat(asked, tools))


def _allowed_by_choice(request: Mapping[str, Any], tools: Sequence[OfferedTool]) -> Sequence[OfferedTool]:
    choice: Any = request.get("tool_choice")
    if choice == "none":
        return ()
    name = _name_in(choice)
    return [tool for tool in tools if tool.name == name] if name is not None else tools


def _name_in(choice: Any) -> Any:
    return as_object(as_object(choice).get("function")).get("name")


def _calls(asked: str, tools: Sequence[OfferedTool], request: Mapping[str, Any]) -> tuple[Call, ...]:
    calls: list[Call] = []
    for clause in clauses(asked):
        phrase = read_phrase(clause)
        tool = choose(phrase, tools)
        if tool is not None:
            call = Call(tool.name, fill_arguments(tool.parameters, phrase))
            if call not in calls:
                calls.append(call)
    if not calls and tools and _must_call(request):
        calls.append(Call(tools[0].name, fill_arguments(tools[0].parameters, read_phrase(asked[:4000]))))
    most = 1 if request.get("parallel_tool_calls") is False else _MOST_CALLS
    return tuple(calls[:most])


def _must_call(request: Mapping[str, Any]) -> bool:
    choice: Any = request.get("tool_choice")
    return choice == "required" or _name_in(choice) is not None


def _tell(messages: Sequence[Mapping[str, Any]]) -> str:
    """What the calls since the last user message gave."""
    names: dict[str, str] = {}
    told: list[str] = []
    for message in _since_last_user(messages):
        for call in map(as_object, as_list(message.get("tool_calls"))):
            names[str(call.get("id"))] = str(as_object(call.get("function")).get("name", "a tool"))
        if message.get("role") == "tool":
            name = names.get(str(message.get("tool_call_id")), "a tool")
            told.append(_tell_one(name, text_of(message)))
    return " ".join(told)


def _tell_one(name: str, result: str) -> str:
    said = result.strip()
    if len(said) > _LONGEST_RESULT:
        said = f"{said[:_LONGEST_RESULT]} …"
    if not said:
        return f"The scripted model called {name}; it said nothing."
    if _REFUSED.match(said):
        return f"The scripted model asked for {name} and was refused: {said}"
    return f"The scripted model called {name}; it said: {said}"


def _since_last_user(messages: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    last = max((index for index, message in enumerate(messages) if message.get("role") == "user"), default=-1)
    return messages[last + 1 :]


def _chat(asked: str, tools: Sequence[OfferedTool]) -> str:
    heard = f' You said: "{asked[:200]}".' if asked else ""
    names = ", ".join(tool.name for tool in tools[:20])
    offered = f" None of the tools on offer matched: {names}." if names else " No tools are on offer."
    itself = "This is toolgate's scripted model: it picks tools by simple words, and understands nothing."
    return itself + heard + offered
