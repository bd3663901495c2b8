"""A stdio MCP server whose tools are those in a file, and who says so when it changes. Standard library only.

python changing.py FILE
"""

import json
import sys
import threading
import time
from pathlib import Path

file = Path(sys.argv[1])
lock = threading.Lock()


def send(message):
    with lock:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def watch():
    seen = file.read_text()
    while True:
        time.sleep(0.01)
        found = file.read_text()
        if found != seen:
            seen = found
            send({"method": "notifications/tools/list_changed"})


def answer(method, params):
    if method == "initialize":
        about = {"name": "changing", "version": "1"}
        capabilities = {"tools": {"listChanged": True}}
        told = {"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": about}
        words = file.with_suffix(".md")
        return {**told, "instructions": words.read_text()} if words.exists() else told
    if method == "tools/list":
        return {"tools": json.loads(file.read_text())}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": f"{params['name']} was called"}]}
    return None


threading.Thread(target=watch, daemon=True).start()
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    result = answer(message["method"], message.get("params", {}))
    error = {"code": -32601, "message": "Method not found"}
    send({"id": message["id"], **({"error": error} if result is None else {"result": result})})
