"""A server of the official SDK that offers more than tools: resources, templates, prompts, completions.

Over stdio when run as a script, and over HTTP with `over_http.sdk_server(..., build=build_offering)`.
"""

from __future__ import annotations

import json
import warnings
from typing import Any

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
)
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

NOTE = "note://one"


def _answer(value: object) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=json.dumps(value))])


class Offering:
    """What is on offer, and who asked for it."""

    def __init__(self) -> None:
        self.bus = InMemorySubscriptionBus()
        self.resources = {NOTE: "first"}
        self.prompts = ["greet"]
        self.subscribed: list[str] = []

    async def list_tools(self, ctx: Any, params: Any) -> types.ListToolsResult:
        names = ["grow", "touch", "who", "ask", "say"]
        return types.ListToolsResult(
            tools=[types.Tool(name=name, input_schema={"type": "object"}) for name in names]
        )

    async def call_tool(self, ctx: Any, params: types.CallToolRequestParams) -> Any:
        return await getattr(self, params.name)(ctx, params)

    async def grow(self, ctx: Any, params: Any) -> types.CallToolResult:
        """One more resource and one more prompt, announced."""
        self.resources["note://two"] = "second"
        self.prompts.append("part")
        if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
            await self.bus.publish(ResourcesListChanged())
            await self.bus.publish(PromptsListChanged())
        else:
            await ctx.session.send_resource_list_changed()
            await ctx.session.send_prompt_list_changed()
        return _answer("grown")

    async def touch(self, ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        """A resource changes."""
        uri = (params.arguments or {}).get("uri", NOTE)
        if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
            await self.bus.publish(ResourceUpdated(uri=uri))
        elif uri in self.subscribed:
            await ctx.session.send_resource_updated(uri)
        return _answer("touched")

    async def who(self, ctx: Any, params: Any) -> types.CallToolResult:
        """What this request says of its client."""
        return _answer(dict(ctx.meta or {}))

    async def say(self, ctx: Any, params: Any) -> types.CallToolResult:
        """Log something while the call runs."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MCPDeprecationWarning)
            await ctx.session.send_log_message("warning", "careful", related_request_id=ctx.request_id)
        return _answer("said")

    async def ask(self, ctx: Any, params: types.CallToolRequestParams) -> Any:
        """Want input, and answer with what was given."""
        if params.input_responses is None:
            schema = {"type": "object", "properties": {"city": {"type": "string"}}}
            form = types.ElicitRequestFormParams(message="Which city?", requested_schema=schema)
            requests = {"city": types.ElicitRequest(params=form)}
            return types.InputRequiredResult(input_requests=requests, request_state="sealed")
        given = params.input_responses["city"]
        return _answer([given.model_dump(mode="json", exclude_none=True), params.request_state])

    async def list_resources(self, ctx: Any, params: Any) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=[types.Resource(name=uri, uri=uri) for uri in self.resources])

    async def list_templates(self, ctx: Any, params: Any) -> types.ListResourceTemplatesResult:
        template = types.ResourceTemplate(name="notes", uri_template="note://{name}")
        return types.ListResourceTemplatesResult(resource_templates=[template])

    async def read(self, ctx: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        if params.uri not in self.resources:
            raise MCPError(-32602, "Unknown resource", {"uri": params.uri})
        text = types.TextResourceContents(uri=params.uri, text=self.resources[params.uri])
        return types.ReadResourceResult(contents=[text])

    async def list_prompts(self, ctx: Any, params: Any) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=[types.Prompt(name=name) for name in self.prompts])

    async def get_prompt(self, ctx: Any, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        text = types.TextContent(type="text", text=f"{params.name} {(params.arguments or {}).get('name')}")
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=text)])

    async def complete(self, ctx: Any, params: types.CompleteRequestParams) -> types.CompleteResult:
        return types.CompleteResult(completion=types.Completion(values=[params.argument.value + "!"]))

    async def subscribe(self, ctx: Any, params: types.SubscribeRequestParams) -> types.EmptyResult:
        self.subscribed.append(params.uri)
        return types.EmptyResult()

    async def unsubscribe(self, ctx: Any, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
        self.subscribed.remove(params.uri)
        return types.EmptyResult()


def build_offering(offering: Offering | None = None) -> tuple[Server[Any], ListenHandler]:
    """The server, and what ends its subscriptions."""
    offering = offering or Offering()
    listen = ListenHandler(offering.bus)
    server = Server(
        "offering",
        version="7",
        instructions="Read the notes first.",
        on_list_tools=offering.list_tools,
        on_call_tool=offering.call_tool,
        on_list_resources=offering.list_resources,
        on_list_resource_templates=offering.list_templates,
        on_read_resource=offering.read,
        on_subscribe_resource=offering.subscribe,
        on_unsubscribe_resource=offering.unsubscribe,
        on_subscriptions_listen=listen,
        on_list_prompts=offering.list_prompts,
        on_get_prompt=offering.get_prompt,
        on_completion=offering.complete,
    )
    return server, listen


async def _over_stdio() -> None:
    server, _ = build_offering()
    async with stdio_server() as (reader, writer):
        await server.run(reader, writer, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(_over_stdio)
