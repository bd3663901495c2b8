"""The configuration that the demo serves."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from gateway.providers import KNOWN_PROVIDERS
from gateway.providers.scripted import SCRIPTED_MODEL
from sandbox import BackendName

_POLICY = """\
# What the demo's key may do. Why a call is refused, says this, in the folder of the file:
#   toolgate policy explain --tool files/read_file --args '{"path": "/etc/passwd"}'
version: 1
policies:
  demo:
    allow: ["demo/*", "files/*"]
    deny: ["*/delete_*"]
    rules:
      - {id: inside-workspace, tools: ["files/*"], within: {path: /workspace}, relative_to: /workspace}
"""
_POLICY_FOR_OWN_SERVERS = """\
# Every tool of the servers that you brought along.
version: 1
policies:
  demo: {allow: ["*/*"]}
"""


@dataclass(frozen=True, slots=True)
class DemoChoices:
    """What the demo is to serve. `model` is `provider/model`, None for the scripted one."""

    key: str = field(repr=False)
    scripted_url: str
    model: str | None
    backend: BackendName
    with_servers: bool


def write_demo(folder: Path, choices: DemoChoices) -> Path:
    """Write the demo's configuration and policy into `folder`; the path of the configuration."""
    (folder / "policy.yaml").write_text(_POLICY if choices.with_servers else _POLICY_FOR_OWN_SERVERS)
    path = folder / "gateway.yaml"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(_document(choices), sort_keys=False))
    return path


def _document(choices: DemoChoices) -> dict[str, object]:
    provider, _, model = (choices.model or "").partition("/")
    scripted = {"scripted": {"dialect": "openai_chat", "base_url": choices.scripted_url}}
    document: dict[str, object] = {
        "version": 1,
        "providers": {provider: _credentials(provider)} if choices.model else scripted,
        "models": {
            model or SCRIPTED_MODEL: [{"provider": provider or "scripted", "model": model or SCRIPTED_MODEL}]
        },
        "keys": {"demo": {"secret": choices.key, "policies": ["demo"]}},
        "policy_files": ["policy.yaml"],
        "storage": {"state_dir": "state"},
    }
    if choices.with_servers:
        document["mcpServers"] = _servers(choices.backend)
    return document


def _credentials(provider: str) -> dict[str, str]:
    """A real provider's key comes from the environment, under the name that people give it."""
    row = KNOWN_PROVIDERS.get(provider)
    return {"api_key": f"${{{row.env}}}"} if row is not None and row.env and row.key_required else {}


def _servers(backend: BackendName) -> dict[str, object]:
    return {
        "demo": {"command": "python", "args": ["-m", "mcp_servers.demo"], "sandbox": {"backend": backend}},
        "files": {
            "command": "python",
            "args": ["-m", "mcp_servers.filesystem", "/workspace"],
            "sandbox": {"backend": backend, "workspace": "/workspace"},
        },
    }
