"""A server with everything that the conformance suite of MCP looks for, over stdio.

What the suite expects of each tool, resource and prompt stands in the descriptions of its scenarios.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ResourceUpdated,
    ToolsListChanged,
)
from mcp.shared.exceptions import MCPError

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="

Answer = types.CallToolResult | types.InputRequiredResult
Tool = Callable[[Any, types.CallToolRequestParams], Awaitable[Answer]]

TOOLS: dict[str, Tool] = {}
CHANGING = {"tools": False, "prompts": False}
BUS = InMemorySubscriptionBus()
SECRET = os.urandom(32)
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"


def tool(function: Tool) -> Tool:
    TOOLS[function.__name__] = function
    return function


def text(value: str) -> types.TextContent:
    return types.TextContent(type="text", text=value)


def result(*blocks: types.ContentBlock) -> types.CallToolResult:
    return types.CallToolResult(content=list(blocks))


def image() -> types.ImageContent:
    return types.ImageContent(type="image", data=PNG, mime_type="image/png")


def resource(uri: str, mime_type: str, value: str) -> types.EmbeddedResource:
    contents = types.TextResourceContents(uri=uri, mime_type=mime_type, text=value)
    return types.EmbeddedResource(type="resource", resource=contents)


def declared(ctx: Any) -> dict[str, Any]:
    """What the client says that it can do."""
    return dict((ctx.meta or {}).get(CAPABILITIES) or {})


@tool
async def test_simple_text(ctx: Any, params: Any) -> Answer:
    return result(text("This is a simple text response for testing."))


@tool
async def test_image_content(ctx: Any, params: Any) -> Answer:
    return result(image())


@tool
async def test_audio_content(ctx: Any, params: Any) -> Answer:
    return result(types.AudioContent(type="audio", data=WAV, mime_type="audio/wav"))


@tool
async def test_embedded_resource(ctx: Any, params: Any) -> Answer:
    return result(resource("test://embedded-resource", "text/plain", "This is an embedded resource content."))


@tool
async def test_multiple_content_types(ctx: Any, params: Any) -> Answer:
    data = json.dumps({"test": "data", "value": 123})
    return result(
        text("Multiple content types test:"),
        image(),
        resource("test://mixed-content-resource", "application/json", data),
    )


@tool
async def test_error_handling(ctx: Any, params: Any) -> Answer:
    said = text("This tool intentionally returns an error for testing")
    return types.CallToolResult(content=[said], is_error=True)


@tool
async def test_tool_with_progress(ctx: Any, params: Any) -> Answer:
    for step in (0, 50, 100):
        await ctx.session.report_progress(step, 100, f"{step} of 100")
        await anyio.sleep(0.05)
    return result(text("done"))


@tool
async def test_tool_with_logging(ctx: Any, params: Any) -> Answer:
    for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.session.send_log_message("info", line, related_request_id=ctx.request_id)
        await anyio.sleep(0.05)
    return result(text("logged"))


@tool
async def test_logging_tool(ctx: Any, params: Any) -> Answer:
    return await test_tool_with_logging(ctx, params)


@tool
async def test_missing_capability(ctx: Any, params: Any) -> Answer:
    if "sampling" not in declared(ctx):
        data = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "sampling is needed", data)
    return result(text("sampling is there"))


@tool
async def test_trigger_tool_change(ctx: Any, params: Any) -> Answer:
    CHANGING["tools"] = not CHANGING["tools"]
    await BUS.publish(ToolsListChanged())
    return result(text("changed"))


@tool
async def test_trigger_prompt_change(ctx: Any, params: Any) -> Answer:
    CHANGING["prompts"] = not CHANGING["prompts"]
    await BUS.publish(PromptsListChanged())
    return result(text("changed"))


@tool
async def touch(ctx: Any, params: types.CallToolRequestParams) -> Answer:
    await BUS.publish(ResourceUpdated(uri=(params.arguments or {})["uri"]))
    return result(text("touched"))


# Input requests, by the keys under which the suite answers them.


def form(message: str, name: str, kind: str = "string") -> types.ElicitRequest:
    schema = {"type": "object", "properties": {name: {"type": kind}}, "required": [name]}
    return types.ElicitRequest(params=types.ElicitRequestFormParams(message=message, requested_schema=schema))


def sample(prompt: str, tokens: int) -> types.CreateMessageRequest:
    message = types.SamplingMessage(role="user", content=text(prompt))
    return types.CreateMessageRequest(
        params=types.CreateMessageRequestParams(messages=[message], max_tokens=tokens)
    )


def want(state: str | None = None, **requests: Any) -> types.InputRequiredResult:
    return types.InputRequiredResult(input_requests=requests, request_state=state)


def given(params: types.InputResponseRequestParams, *keys: str) -> bool:
    """Whether there is an answer that can be read under each of the keys."""
    responses = params.input_responses or {}
    return all(key in responses for key in keys)


def content(params: types.InputResponseRequestParams, key: str, name: str) -> Any:
    """A field of the form that was answered under a key; None where that is no answer to it."""
    answer = (params.input_responses or {}).get(key)
    values = getattr(answer, "content", None)
    return values.get(name) if isinstance(values, dict) else None


def signed(state: str) -> str:
    return f"{state}.{hmac.new(SECRET, state.encode(), hashlib.sha256).hexdigest()}"


def checked(params: types.InputResponseRequestParams) -> str:
    state, _, _ = (params.request_state or "").rpartition(".")
    if not hmac.compare_digest(signed(state), params.request_state or ""):
        raise MCPError(types.INVALID_PARAMS, "the state was changed")
    return state


# What 2025-11-25 wants asked by requests of the server's own, which is for the gateway to do.


def elicit(message: str, properties: dict[str, Any]) -> types.ElicitRequest:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return types.ElicitRequest(params=types.ElicitRequestFormParams(message=message, requested_schema=schema))


def told(params: types.InputResponseRequestParams, key: str) -> Any:
    """What was answered under a key, as JSON; None while nothing was."""
    answer = (params.input_responses or {}).get(key)
    return None if answer is None else answer.model_dump(mode="json", by_alias=True, exclude_none=True)


@tool
async def test_sampling(ctx: Any, params: Any) -> Answer:
    answer = told(params, "said")
    if answer is None:
        return want(said=sample((params.arguments or {}).get("prompt", "Say something"), 100))
    return result(text(f"LLM response: {answer['content']['text']}"))


@tool
async def test_elicitation(ctx: Any, params: Any) -> Answer:
    answer = told(params, "user")
    if answer is None:
        asked = {"username": {"type": "string"}, "email": {"type": "string"}}
        return want(user=elicit((params.arguments or {}).get("message", "Who are you?"), asked))
    return result(text(f"User response: {json.dumps(answer)}"))


@tool
async def test_elicitation_sep1034_defaults(ctx: Any, params: Any) -> Answer:
    answer = told(params, "user")
    if answer is None:
        asked = {
            "name": {"type": "string", "default": "John Doe"},
            "age": {"type": "integer", "default": 30},
            "score": {"type": "number", "default": 95.5},
            "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
            "verified": {"type": "boolean", "default": True},
        }
        return want(user=elicit("Who are you?", asked))
    return result(text(f"Elicitation completed: {json.dumps(answer)}"))


@tool
async def test_elicitation_sep1330_enums(ctx: Any, params: Any) -> Answer:
    answer = told(params, "user")
    if answer is None:
        options = ["option1", "option2", "option3"]
        titled = [{"const": f"value{number}", "title": f"Option {number}"} for number in (1, 2, 3)]
        old = ["opt1", "opt2", "opt3"]
        asked = {
            "untitledSingle": {"type": "string", "enum": options},
            "titledSingle": {"type": "string", "oneOf": titled},
            "legacyEnum": {"type": "string", "enum": old, "enumNames": [name.upper() for name in old]},
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
            "titledMulti": {"type": "array", "items": {"anyOf": titled}},
        }
        return want(user=elicit("Which one?", asked))
    return result(text(f"Elicitation completed: {json.dumps(answer)}"))


@tool
async def test_without_end(ctx: Any, params: Any) -> Answer:
    return want(signed("on and on"), confirm=form("Again?", "ok", "boolean"))


@tool
async def test_input_required_result_elicitation(ctx: Any, params: Any) -> Answer:
    name = content(params, "user_name", "name")
    if not isinstance(name, str):
        return want(user_name=form("What is your name?", "name"))
    return result(text(f"Hello, {name}!"))


@tool
async def test_input_required_result_sampling(ctx: Any, params: Any) -> Answer:
    if not given(params, "capital_question"):
        return want(capital_question=sample("What is the capital of France?", 100))
    return result(text("The model has answered."))


@tool
async def test_input_required_result_list_roots(ctx: Any, params: Any) -> Answer:
    if not given(params, "client_roots"):
        return want(client_roots=types.ListRootsRequest())
    answer: Any = (params.input_responses or {})["client_roots"]
    return result(text(", ".join(str(root.uri) for root in answer.roots)))


@tool
async def test_input_required_result_request_state(ctx: Any, params: Any) -> Answer:
    if not given(params, "confirm"):
        return want(signed("confirming"), confirm=form("Please confirm", "ok", "boolean"))
    checked(params)
    return result(text("state-ok"))


@tool
async def test_input_required_result_multiple_inputs(ctx: Any, params: Any) -> Answer:
    if not given(params, "user_name", "greeting", "client_roots"):
        return want(
            signed("several"),
            user_name=form("What is your name?", "name"),
            greeting=sample("Generate a greeting", 50),
            client_roots=types.ListRootsRequest(),
        )
    checked(params)
    return result(text("All three were answered."))


@tool
async def test_input_required_result_multi_round(ctx: Any, params: Any) -> Answer:
    if params.request_state is None:
        return want(signed("1"), step1=form("Step 1: What is your name?", "name"))
    if checked(params) == "1":
        return want(signed("2"), step2=form("Step 2: What is your favorite color?", "color"))
    return result(text("Both steps are done."))


@tool
async def test_input_required_result_tampered_state(ctx: Any, params: Any) -> Answer:
    if params.request_state is None:
        return want(signed("original"), confirm=form("Please confirm", "ok", "boolean"))
    checked(params)
    return result(text("The state is as it was."))


@tool
async def test_input_required_result_capabilities(ctx: Any, params: Any) -> Answer:
    able = declared(ctx)
    wishes: dict[str, Any] = {}
    if "elicitation" in able:
        wishes["asked"] = form("What is your name?", "name")
    if "sampling" in able:
        wishes["sampled"] = sample("Say something", 50)
    if not wishes or params.input_responses:
        return result(text("Nothing is wanted."))
    return want(**wishes)


@tool
async def test_streaming_elicitation(ctx: Any, params: Any) -> Answer:
    return want(confirm=form("Please confirm", "ok", "boolean"))


@tool
async def test_region(ctx: Any, params: types.CallToolRequestParams) -> Answer:
    return result(text(str((params.arguments or {}).get("region"))))


@tool
async def json_schema_2020_12_tool(ctx: Any, params: Any) -> Answer:
    return result(text("fine"))


SCHEMAS: dict[str, dict[str, Any]] = {
    "test_region": {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}},
    "json_schema_2020_12_tool": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            }
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    },
}


async def list_tools(ctx: Any, params: Any) -> types.ListToolsResult:
    names = [*TOOLS, *(["test_changing_tool"] if CHANGING["tools"] else [])]
    listed = [
        types.Tool(
            name=name,
            description=f"Does what its name says: {name}.",
            input_schema=SCHEMAS.get(name, {"type": "object"}),
        )
        for name in names
    ]
    return types.ListToolsResult(tools=listed)


async def call_tool(ctx: Any, params: types.CallToolRequestParams) -> Answer:
    if params.name not in TOOLS:
        raise MCPError(types.INVALID_PARAMS, "there is no such tool")
    return await TOOLS[params.name](ctx, params)


RESOURCES = {
    "test://static-text": ("text/plain", "A text."),
    "test://static-binary": ("image/png", "An image."),
    "test://watched-resource": ("text/plain", "A text that may change."),
}


async def list_resources(ctx: Any, params: Any) -> types.ListResourcesResult:
    return types.ListResourcesResult(
        resources=[
            types.Resource(uri=uri, name=uri.partition("//")[2], description=about, mime_type=kind)
            for uri, (kind, about) in RESOURCES.items()
        ]
    )


async def list_templates(ctx: Any, params: Any) -> types.ListResourceTemplatesResult:
    template = types.ResourceTemplate(
        uri_template="test://template/{id}/data",
        name="template",
        description="Data for an id.",
        mime_type="application/json",
    )
    return types.ListResourceTemplatesResult(resource_templates=[template])


async def read_resource(ctx: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    uri = params.uri
    contents: types.TextResourceContents | types.BlobResourceContents
    if uri == "test://static-binary":
        contents = types.BlobResourceContents(uri=uri, mime_type="image/png", blob=PNG)
    elif uri.startswith("test://template/") and uri.endswith("/data"):
        number = uri.removeprefix("test://template/").removesuffix("/data")
        data = json.dumps({"id": number, "templateTest": True, "data": f"Data for ID: {number}"})
        contents = types.TextResourceContents(uri=uri, mime_type="application/json", text=data)
    elif uri in RESOURCES:
        said = "This is the content of the static text resource."
        contents = types.TextResourceContents(uri=uri, mime_type="text/plain", text=said)
    else:
        raise MCPError(types.INVALID_PARAMS, "Resource not found", {"uri": uri})
    return types.ReadResourceResult(contents=[contents])


def said_by_user(*blocks: types.ContentBlock) -> types.GetPromptResult:
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=block) for block in blocks])


PROMPTS = {
    "test_simple_prompt": [],
    "test_prompt_with_arguments": ["arg1", "arg2"],
    "test_prompt_with_embedded_resource": ["resourceUri"],
    "test_prompt_with_image": [],
    "test_input_required_result_prompt": [],
}


async def list_prompts(ctx: Any, params: Any) -> types.ListPromptsResult:
    names = {**PROMPTS, **({"test_changing_prompt": []} if CHANGING["prompts"] else {})}
    return types.ListPromptsResult(
        prompts=[
            types.Prompt(
                name=name,
                description=f"Says what its name says: {name}.",
                arguments=[types.PromptArgument(name=argument, required=True) for argument in arguments],
            )
            for name, arguments in names.items()
        ]
    )


async def get_prompt(ctx: Any, params: Any) -> types.GetPromptResult | types.InputRequiredResult:
    arguments = params.arguments or {}
    match params.name:
        case "test_simple_prompt":
            return said_by_user(text("This is a simple prompt for testing."))
        case "test_prompt_with_arguments":
            one, two = arguments.get("arg1"), arguments.get("arg2")
            return said_by_user(text(f"Prompt with arguments: arg1='{one}', arg2='{two}'"))
        case "test_prompt_with_embedded_resource":
            embedded = resource(arguments["resourceUri"], "text/plain", "Embedded resource content for testing.")
            return said_by_user(embedded, text("Please process the embedded resource above."))
        case "test_prompt_with_image":
            return said_by_user(image(), text("Please analyze the image above."))
        case "test_input_required_result_prompt":
            context = content(params, "user_context", "context")
            if context is None:
                return want(user_context=form("What context should the prompt use?", "context"))
            return said_by_user(text(f"In the context of {context}."))
        case _:
            raise MCPError(types.INVALID_PARAMS, "there is no such prompt")


async def complete(ctx: Any, params: Any) -> types.CompleteResult:
    values = [value for value in ("paris", "park", "party") if value.startswith(params.argument.value)]
    return types.CompleteResult(completion=types.Completion(values=values, total=len(values), has_more=False))


def build_server() -> Server[Any]:
    return Server(
        "everything",
        version="1",
        instructions="Try every tool.",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
        on_completion=complete,
        on_subscriptions_listen=ListenHandler(BUS),
    )


async def main() -> None:
    server = build_server()
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
