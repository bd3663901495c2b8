"""A stdio MCP server that does its worst, in one way that is chosen on the command line. Standard library only.

python hostile.py bad-tools|storm
"""

import json
import sys
import threading
import time

way = sys.argv[1]
listings = 0
lasted = []  # seconds, once the storm is over
lock = threading.Lock()


def send(message):
    with lock:
        print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def tools():
    bad = [{"name": f"bad{number}"} for number in range(1000)] if way == "bad-tools" else []
    return [{"name": "storm", "inputSchema": {"type": "object"}}, *bad]


def storm():
    """Say for a second that the list has changed."""
    began = time.monotonic()
    for _ in range(100):
        send({"method": "notifications/tools/list_changed"})
        time.sleep(0.01)
    lasted.append(time.monotonic() - began)


for line in sys.stdin:
    message = json.loads(line)
    method, request_id = message.get("method"), message.get("id")
    if method == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {}}
        send({"id": request_id, "result": result})
    elif method == "tools/list":
        listings += 1
        send({"id": request_id, "result": {"tools": tools()}})
        if way == "storm" and listings == 1:
            threading.Thread(target=storm, daemon=True).start()
    elif method == "tools/call":
        send({"id": request_id, "result": {"content": [{"type": "text", "text": f"{listings} {sum(lasted)}"}]}})
    elif request_id is not None:
        send({"id": request_id, "error": {"code": -32601, "message": "Method not found"}})
