"""A server of 2025-11-25 over stdio, in plain JSON-RPC, with notes that can be watched. Standard library only."""

import json
import os
import sys

NOTES = ["note://one", "note://two"]
watched = set()


def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def tool(name):
    return {"name": name, "description": f"does {name}", "inputSchema": {"type": "object"}}


def text(value):
    return {"content": [{"type": "text", "text": value}]}


def call(name, arguments):
    if name == "touch" and arguments["uri"] in watched:
        send({"method": "notifications/resources/updated", "params": {"uri": arguments["uri"]}})
    if name == "watched":
        return text(json.dumps(sorted(watched)))
    if name == "log":
        for level in ("debug", "warning"):
            send({"method": "notifications/message", "params": {"level": level, "logger": "old", "data": level}})
    if name == "die":
        os._exit(1)
    return text("done")


def answer(method, params):
    if method == "initialize":
        capabilities = {"tools": {}, "resources": {"subscribe": True}}
        about = {"name": "old", "version": "1"}
        return {"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": about}
    if method == "tools/list":
        return {"tools": [tool(name) for name in ("touch", "watched", "log", "die")]}
    if method == "tools/call":
        return call(params["name"], params.get("arguments", {}))
    if method == "resources/list":
        return {"resources": [{"uri": uri, "name": uri} for uri in NOTES]}
    if method == "resources/subscribe" and params["uri"] in NOTES:
        watched.add(params["uri"])
        return {}
    if method == "resources/unsubscribe":
        watched.discard(params["uri"])
        return {}
    return None


for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message or "method" not in message:
        continue
    result = answer(message["method"], message.get("params", {}))
    error = {"code": -32602, "message": "there is nothing like that"}
    send({"id": message["id"], **({"error": error} if result is None else {"result": result})})
