"""A stdio MCP server whose tools are those in a file, and who says so when it changes. Standard library only.

Beside the file may lie FILE.prompts, with its prompts, and the same with `.md` for its ending: its instructions.

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


def listed(kind):
    if kind == "tools":
        return file.read_text()
    place = file.with_name(f"{file.name}.prompts")
    return place.read_text() if place.exists() else "[]"


def watch():
    seen = {kind: listed(kind) for kind in ("tools", "prompts")}
    while True:
        time.sleep(0.01)
        for kind, before in tuple(seen.items()):
            seen[kind] = listed(kind)
            if seen[kind] != before:
                send({"method": f"notifications/{kind}/list_changed"})


def answer(method, params):
    if method == "initialize":
        about = {"name": "changing", "version": "1"}
        capabilities = {"tools": {"listChanged": True}, "prompts": {"listChanged": True}}
        told = {"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": about}
        words = file.with_suffix(".md")
        return {**told, "instructions": words.read_text()} if words.exists() else told
    if method in ("tools/list", "prompts/list"):
        kind = method.partition("/")[0]
        return {kind: json.loads(listed(kind))}
    if method == "prompts/get":
        said = {"type": "text", "text": f"{params['name']} was asked for"}
        return {"messages": [{"role": "user", "content": said}]}
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
