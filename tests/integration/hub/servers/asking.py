"""Servers that ask their client something in the middle of a call, and answer with what they were told.

Over stdio, in plain JSON-RPC, when run as a script; of the official SDK otherwise.

python asking.py modern|legacy
"""

from __future__ import annotations

import json
import sys

ASKED = ("ping", "sampling/createMessage", "elicitation/create", "roots/list")
PARAMS = {
    "sampling/createMessage": {"messages": [], "maxTokens": 1},
    "elicitation/create": {"message": "?", "requestedSchema": {"type": "object", "properties": {}}},
}


def over_stdio(era: str) -> None:
    asking: dict[str, object] = {}

    def send(message: dict[str, object]) -> None:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()

    def text(value: object) -> dict[str, object]:
        return {"content": [{"type": "text", "text": json.dumps(value)}]}

    for line in sys.stdin:
        message = json.loads(line)
        method, ident = message.get("method"), message.get("id")
        if method is None:
            told = message["error"]["code"] if "error" in message else message["result"]
            send({"id": asking.pop(ident), "result": text(told)})
        elif method == "server/discover" and era == "modern":
            send({"id": ident, "result": {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}})
        elif method == "initialize":
            greeting = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {}}
            send({"id": ident, "result": greeting})
        elif method == "tools/list":
            send({"id": ident, "result": {"tools": [{"name": "ask", "inputSchema": {"type": "object"}}]}})
        elif method == "tools/call":
            wanted = message["params"]["arguments"]["method"]
            asking[f"question {ident}"] = ident
            send({"id": f"question {ident}", "method": wanted, "params": PARAMS.get(wanted, {})})
        elif ident is not None:
            send({"id": ident, "error": {"code": -32601, "message": "Method not found"}})


def build_asking(*, within_the_call: bool = True):
    """A server of the SDK. Unless it asks `within_the_call`, the question stands on the session's own stream."""
    import mcp_types as types  # the script does without
    from mcp.server.lowlevel import Server
    from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
    from mcp.shared.exceptions import MCPError
    from mcp.shared.message import ServerMessageMetadata

    requests = {
        "ping": (types.PingRequest, types.EmptyResult),
        "sampling/createMessage": (types.CreateMessageRequest, types.CreateMessageResult),
        "elicitation/create": (types.ElicitRequest, types.ElicitResult),
        "roots/list": (types.ListRootsRequest, types.ListRootsResult),
    }

    async def list_tools(ctx, params) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[types.Tool(name="ask", input_schema={"type": "object"})])

    async def call_tool(ctx, params) -> types.CallToolResult:
        kind, result = requests[params.arguments["method"]]
        request = kind.model_validate(
            {"method": params.arguments["method"], "params": PARAMS.get(params.arguments["method"])}
        )
        related = ServerMessageMetadata(related_request_id=ctx.request_id) if within_the_call else None
        try:
            answer = await ctx.session.send_request(request, result, metadata=related)
            told: object = answer.model_dump(by_alias=True, exclude_none=True)
        except MCPError as refused:
            told = refused.error.code
        return types.CallToolResult(content=[types.TextContent(type="text", text=json.dumps(told))])

    server = Server("asking", on_list_tools=list_tools, on_call_tool=call_tool)
    return server, ListenHandler(InMemorySubscriptionBus())


if __name__ == "__main__":
    over_stdio(sys.argv[1])
