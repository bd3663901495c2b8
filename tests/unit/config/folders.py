"""A folder with a configuration in it, and ways to load it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from gateway.config import Config, load_config
from gateway.errors import ConfigError, Problem

EXAMPLE = """\
version: 1
listen: {host: 127.0.0.1, port: 8484}
providers:
  openai: {api_key: "${OPENAI_API_KEY}"}
  local:  {dialect: openai_chat, base_url: "http://127.0.0.1:9000/v1"}
models:                           # optional: without it every provider's models answer as provider/model
  fast: [{provider: local, model: tiny}]
  "gpt-*": openai                 # a pattern, passed on under the same name
mcpServers:                       # as Claude, Cursor and .mcp.json write it; `sandbox` is ours and optional
  files:  {command: npx, args: ["-y", "@modelcontextprotocol/server-filesystem@2026.8.31", "/workspace"], \
sandbox: {workspace: /workspace}}
  time:   {command: uvx, args: ["mcp-server-time==2026.10.19"]}
  remote: {url: "http://127.0.0.1:9100/mcp", headers: {Authorization: "Bearer ${REMOTE_TOKEN}"}}
keys:
  agent-1: {secret: "${AGENT_1_KEY}", models: ["*"], policies: [readers], tools: auto}
policy_files: [policies/readers.yaml]
"""
POLICIES = """\
version: 1
policies:
  readers:
    allow: ["files/read_*", "time/*"]
"""
SECRET = "agent-secret-agent-secret"
ENVIRON = {
    "OPENAI_API_KEY": "openai-secret",
    "REMOTE_TOKEN": "remote-secret",
    "AGENT_1_KEY": SECRET,
    "HOME": "/nonexistent",
}


@dataclass(frozen=True)
class Folder:
    """Writes files and loads them."""

    path: Path

    def write(self, name: str, text: str | bytes, *, mode: int = 0o600) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
        file.chmod(mode)
        return file

    def load(
        self, text: str | bytes, *mcp_configs: Path, environ: Mapping[str, str] = ENVIRON, host: str | None = None
    ) -> Config:
        path = self.write("gateway.yaml", text)
        return load_config(path, mcp_configs=mcp_configs, environ=environ, host=host)

    def load_with(self, text: str, **variables: str) -> Config:
        return self.load(least(text), environ=ENVIRON | variables)

    def problems(self, text: str | bytes, *mcp_configs: Path, **variables: str) -> list[Problem]:
        with pytest.raises(ConfigError) as raised:
            self.load(text, *mcp_configs, environ=ENVIRON | variables)
        return list(raised.value.problems)

    def problems_with(self, text: str, **variables: str) -> list[Problem]:
        return self.problems(least(text), **variables)


def least(text: str) -> str:
    """A configuration that says nothing but `text`, which begins on line 3."""
    keys = "#" if text.lstrip().startswith("keys:") else f"keys: {{a: {{secret: {SECRET}}}}}"
    return f"version: 1\n{keys}\n{dedent(text)}"
