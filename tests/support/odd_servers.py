"""A stdio MCP server that is wrong in one way, chosen on the command line. Standard library only.

python odd_servers.py crashes|noisy|silent|garbage|nonsense|broken-tool|floods|unknown-version|fine
"""

import json
import sys

way = sys.argv[1]
SECRET = "sk-odd-0123456789abcdef"  # what its environment holds, and what it says too much of


def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def send(**message):
    say(json.dumps({"jsonrpc": "2.0", **message}) + "\n")


def tools():
    fine = {"name": "work", "inputSchema": {"type": "object"}}
    broken = {"name": "broken", "inputSchema": {"type": "no such type"}}
    return [fine, broken] if way == "broken-tool" else [fine]


if way == "crashes":
    sys.stderr.write(f"cannot start without a license: {SECRET}\n")
    sys.exit(3)
if way == "noisy":
    say("Welcome to the noisy server!\nListening on stdio...\n{not json\n\n")
if way == "garbage":
    sys.stderr.write("I speak something else\n")
    say("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello\n" * 10)

for line in sys.stdin:
    message = json.loads(line)
    method, ident = message.get("method"), message.get("id")
    if ident is None or way in ("silent", "garbage"):
        continue
    if way == "floods":
        sys.stderr.write("about to say a great deal\n")
        sys.stderr.flush()
        while True:
            say("x" * 1024 * 1024)
    if way == "nonsense":
        say(json.dumps([1, 2, 3]) + "\n")
        send(id=ident, result="forty-two")
    elif method == "initialize":
        version = "1999-12-31" if way == "unknown-version" else "2025-11-25"
        send(id=ident, result={"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {}})
    elif method == "tools/list":
        send(id=ident, result={"tools": tools()})
        if way == "noisy":
            say("served a list\n")
    elif method == "tools/call":
        send(id=ident, result={"content": [{"type": "text", "text": "done"}]})
    else:
        send(id=ident, error={"code": -32601, "message": "Method not found"})
