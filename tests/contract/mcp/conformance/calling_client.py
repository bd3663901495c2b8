"""An MCP client as the conformance suite drives one: the hub takes all that the suite's server offers.

The suite gives the URL of its server as the last argument; which calls it wants may be in the environment.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import anyio

from gateway.errors import ToolServerRefusal
from gateway.hub import Caller, CallResult, CatalogueTool, GivenInput, HttpServerSpec, Hub

ABLE = Caller({"elicitation": {"form": {}}, "sampling": {}, "roots": {}}, {"name": "suite", "version": "1"})
MOST_ROUNDS = 4
ARGUMENTS: dict[str, Any] = {"add_numbers": {"a": 5, "b": 3}}
SAMPLES: dict[str, Any] = {
    "string": "sample",
    "number": 1,
    "integer": 1,
    "boolean": True,
    "array": [],
    "object": {},
}


def arguments_for(hub: Hub, tool: CatalogueTool) -> dict[str, Any]:
    """What the suite wants a tool to be called with; else what the tool's schema requires."""
    if tool.name == "json_schema_echo":
        (shown,) = (other for other in hub.catalogue.tools if other.name == "json_schema_2020_12_tool")
        return {"schema": shown.definition["inputSchema"]}
    return ARGUMENTS.get(tool.name) or sample_of(tool.input_schema)


def sample_of(schema: Any) -> dict[str, Any]:
    fields = schema.get("properties", {})
    return {name: SAMPLES.get(fields[name].get("type"), "sample") for name in schema.get("required", ())}


async def call(hub: Hub, tool: str, arguments: dict[str, Any]) -> CallResult:
    """Call a tool, and agree to whatever it asks for."""
    given = None
    for _ in range(MOST_ROUNDS):
        result = await hub.call("suite", tool, arguments, owner="key", timeout=20, caller=ABLE, given=given)
        if (wanted := result.input_required) is None:
            return result
        agreed = {name: {"action": "accept", "content": {"confirmed": True}} for name in wanted.requests}
        given = GivenInput(agreed or None, wanted.state)
    raise AssertionError(f"{tool} asks without end")


async def call_tools(hub: Hub) -> None:
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
    wanted = context.get("toolCalls")
    if wanted is None:
        wanted = [{"name": tool.name, "arguments": arguments_for(hub, tool)} for tool in hub.catalogue.tools]
    for one in wanted:
        await call(hub, one["name"], one["arguments"])


async def take_the_rest(hub: Hub) -> None:
    """Read each resource and get each prompt."""
    for resource in hub.catalogue.resources:
        await hub.request("suite", "resources/read", {"uri": resource.uri}, owner="key", timeout=20, caller=ABLE)
    for prompt in hub.catalogue.prompts:
        await hub.request("suite", "prompts/get", {"name": prompt.name}, owner="key", timeout=20, caller=ABLE)


async def main() -> None:
    async with Hub([HttpServerSpec("suite", sys.argv[-1])], None) as hub:
        await hub.settled()
        (status,) = hub.statuses()
        assert status.state == "ready", status
        await call_tools(hub)
        try:
            await take_the_rest(hub)
        except ToolServerRefusal as refused:
            print(refused.message, file=sys.stderr)


if __name__ == "__main__":
    anyio.run(main)
