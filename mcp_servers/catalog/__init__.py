"""Well-known MCP servers, one `server.json` of the official registry's form for each: data, and no code.

Written by hand from what their makers document, with packages at versions that exist. What a sandbox must grant is
in `_meta`, under `toolgate`.
"""
