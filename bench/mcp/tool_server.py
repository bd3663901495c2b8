"""The tool server that all hubs call over HTTP: the demo's, by the SDK, without sessions. `... PORT`."""

from __future__ import annotations

import sys

import uvicorn

from mcp_servers.demo.server import build_server

if __name__ == "__main__":
    application = build_server().streamable_http_app(json_response=True, stateless_http=True)
    uvicorn.run(application, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
