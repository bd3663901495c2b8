"""What a tool call costs through `/mcp` and through the loop, beside other hubs before the same tool server.

`python -m bench.mcp` starts one tool server and each hub as processes of their own, sends the same calls, and
reads what the hub's process cost from the kernel's accounting. The tool server's own work is left out.
"""
