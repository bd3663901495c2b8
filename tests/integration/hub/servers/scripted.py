"""A stdio MCP server in plain JSON-RPC, whose manners are chosen on the command line. Standard library only.

python scripted.py [--era modern|legacy] [--manner NAME]... [--once PATH]
"""

import json
import os
import sys
import threading
import time

MODERN = "2026-07-28"
LEGACY = "2025-11-25"

arguments = sys.argv[1:]
era = arguments[arguments.index("--era") + 1] if "--era" in arguments else "modern"
manners = {arguments[i + 1] for i, word in enumerate(arguments) if word == "--manner"}
lock = threading.Lock()
cancelled = []
listed = 0
lists = threading.Event()


def write(text):
    with lock:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def send(message):
    write(json.dumps({"jsonrpc": "2.0", **message}))


def tool(name, **more):
    return {"name": name, "description": f"does {name}", "inputSchema": {"type": "object"}, **more}


def tools():
    names = [
        "echo",
        "where",
        "sleep",
        "die",
        "huge",
        "garbage",
        "odd",
        "fail",
        "refuse",
        "ask",
        "heard",
        "grow",
        "unplugged",
    ]
    names += ["grown"] if "grown" in manners else []
    broken = [{"name": "broken"}, "nonsense", tool("task_only", execution={"taskSupport": "required"})]
    return [tool(name) for name in names] + (broken if "broken-tools" in manners else [])


def text(value):
    return {"content": [{"type": "text", "text": value}]}


def sleep(request_id, params):
    token = params.get("_meta", {}).get("progressToken")
    for step in range(1, 4):
        if token is not None:
            progress = {"progressToken": token, "progress": step, "total": 3, "message": f"step {step}"}
            send({"method": "notifications/progress", "params": progress})
    deadline = time.monotonic() + params["arguments"].get("seconds", 0)
    while time.monotonic() < deadline and request_id not in cancelled:
        time.sleep(0.005)
    if request_id not in cancelled:
        send({"id": request_id, "result": text("slept")})


def grow():
    manners.add("grown")
    send({"method": "notifications/tools/list_changed"})
    return text("grown")


def odd():
    blocks = [{"type": "hologram", "frames": [1, 2]}, {"type": "text", "text": "seen"}]
    return {"content": blocks, "structuredContent": [1, 2], "isError": None}


def ask():
    wanted = {"a": {"method": "elicitation/create", "params": {"message": "Which city?"}}}
    return {"resultType": "input_required", "inputRequests": wanted}


RESULTS = {
    "where": lambda: text(json.dumps({"pid": os.getpid(), "owner": os.environ.get("WORKSPACE_OWNER")})),
    "die": lambda: os._exit(3),
    "huge": lambda: text("x" * (9 * 1024 * 1024)),
    "odd": odd,
    "fail": lambda: {**text("the tool failed"), "isError": True},
    "unplugged": lambda: {**text("getaddrinfo EAI_AGAIN example.org"), "isError": True},
    "ask": ask,
    "heard": lambda: text(json.dumps(cancelled)),
    "grow": grow,
}


def call(request_id, params):
    name = params["name"]
    if name == "echo":
        return text(params.get("arguments", {}).get("text", ""))
    if name == "sleep":
        threading.Thread(target=sleep, args=(request_id, params), daemon=True).start()
    elif name == "garbage":
        write(f'{{"jsonrpc":"2.0","id":{request_id},"result":{{oops}}}}')
    elif name in RESULTS:
        return RESULTS[name]()
    else:
        send({"id": request_id, "error": {"code": -32602, "message": f"Unknown tool: {name}"}})
    return None


def answer(method, request_id, params):
    if method == "server/discover":
        if "exit-on-probe" in manners:
            sys.stderr.write("what is server/discover?\n")
            os._exit(1)
        if "silent-on-probe" in manners:
            return
        if era == "modern":
            send({"id": request_id, "result": {"supportedVersions": [MODERN], "capabilities": {"tools": {}}}})
        else:
            send({"id": request_id, "error": {"code": -32601, "message": "Method not found"}})
    elif method == "initialize":
        result = {"protocolVersion": LEGACY, "capabilities": {"tools": {}}, "serverInfo": {"name": "scripted"}}
        send({"id": request_id, "result": result})
    elif method == "tools/list":
        page = tools()
        half = len(page) // 2
        at = (
            {"result": {"tools": page[:half], "nextCursor": "more"}}
            if "cursor" not in params
            else {"result": {"tools": page[half:]}}
        )
        send({"id": request_id, **at})
    elif method == "tools/call":
        result = call(request_id, params)
        if result is not None:
            send({"id": request_id, "result": result})
    elif method == "subscriptions/listen":
        send({"method": "notifications/subscriptions/acknowledged", "params": {}})
    else:
        send({"id": request_id, "error": {"code": -32601, "message": "Method not found"}})


def main():
    if "black-hole" in manners:
        time.sleep(3600)
    if "crash" in manners:
        sys.stderr.write("ModuleNotFoundError: No module named 'nothing'\n")
        sys.exit(1)
    if "unplugged-start" in manners:
        sys.stderr.write("Error: getaddrinfo ENOTFOUND registry.example\n")
        sys.exit(1)
    if "noise" in manners:
        write('Starting up...\n\n{not json}\n[1, null]\n"text"')
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:
            answer(message["method"], message["id"], message.get("params", {}))
        elif message["method"] == "notifications/cancelled":
            cancelled.append(message["params"]["requestId"])


main()
