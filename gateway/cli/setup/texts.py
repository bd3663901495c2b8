"""The texts of the files that `toolgate init` writes: complete, commented, and right as they stand."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.cli.setup.adopting import Adopted
from gateway.cli.setup.machine import FoundProvider
from gateway.config.yaml_lines import yaml_lines
from gateway.telemetry.visible import one_line

KEY_VARIABLE = "TOOLGATE_KEY"
KEY_NAME = "agent"
POLICY_FILE = "policies/default.yaml"


@dataclass(frozen=True, slots=True)
class Choices:
    """What is to be in the configuration. `offered` are providers to mention only."""

    providers: Sequence[FoundProvider]
    offered: Sequence[FoundProvider]
    ollama: tuple[str, ...] | None
    servers: Sequence[Adopted]


def gateway_yaml(choices: Choices) -> str:
    """The text of `gateway.yaml`."""
    parts = (_HEAD, _providers(choices), _models(choices), _servers(choices.servers), _REST)
    return "\n".join(part.strip("\n") + "\n" for part in parts)


_HEAD = """
# The configuration of toolgate. After a change: `toolgate check`, and then `toolgate serve` again, or SIGHUP to
# the one that runs. ${NAME} is taken from the environment, or else from the file .env beside this one.
# Completion in editors: `toolgate config schema > gateway.schema.json`, and name that file in a first line:
# `# yaml-language-server: $schema=gateway.schema.json`
version: 1

listen:
  host: 127.0.0.1  # this machine alone; 0.0.0.0 is everybody who can reach it
  port: 8484
"""

_LOCAL = """
# No key of a provider was found, and no Ollama. This is any server with the OpenAI API on this machine, such as
# vLLM, llama.cpp or LM Studio: change its address. Providers that toolgate knows need a key alone:
#   openai: {api_key: "${OPENAI_API_KEY}"}
providers:
  local:
    base_url: http://127.0.0.1:8000/v1
"""

_BUNDLED = """
# The tool servers, in the form that Claude, Cursor and VS Code have, too. Each runs in a sandbox without network;
# one that needs the network gets it with `sandbox: {network: open}`. Whole files of clients can be used as they
# are: `toolgate serve --mcp-config .mcp.json`.
mcpServers:
  # Files in a folder that each key has for its own. This server comes with toolgate.
  files:
    command: python
    args: [-m, mcp_servers.filesystem, /workspace]
    sandbox: {workspace: /workspace}
"""

_ADOPTED = """
# The tool servers, taken over from clients on this machine. Each that has a command runs in a sandbox, without
# network and without this machine's files. One that needs more gets it by name:
#   sandbox: {network: open, mounts: ["~/notes:/notes"]}
mcpServers:
"""

_REST = f"""
# Who may use this gateway: what clients send as their API key, and which policies hold for them.
keys:
  {KEY_NAME}:
    secret: ${{{KEY_VARIABLE}}}
    policies: [default]

policy_files: [{POLICY_FILE}]

# Runs and the audit trail are kept in the user's state folder unless this says otherwise:
# storage:
#   state_dir: ./state
#   retention_days: 30
"""

DEFAULT_POLICY = """\
# What the keys with the policy `default` may do with tools. What nothing allows is refused; a server's own claim
# to be harmless counts for nothing. What holds for a call, and why, is told by
#   toolgate policy explain --tool SERVER/TOOL --args '{...}'
version: 1

policies:
  default:
    description: look, but change nothing
    # Tools whose names say that they only read. Names are all that is known beforehand: take a look at what these
    # patterns let through with `toolgate tools list`, and name the servers once you know which you trust.
    allow:
      - "*/read_*"
      - "*/list_*"
      - "*/get_*"
      - "*/search_*"
      - "*/find_*"
      - "*/describe_*"
      # A tool of its own, or all of a server:
      # - "files/write_file"
      # - "github/*"

    # Refused whatever is allowed above, or by another policy of the same key:
    # deny: ["*/delete_*"]

    # Arguments can be bound, too. Every rule that is about a tool must be content:
    # rules:
    #   - {id: inside-workspace, tools: ["files/*"], within: {path: /workspace}, relative_to: /workspace}
"""


def _providers(choices: Choices) -> str:
    if not choices.providers and choices.ollama is None:
        return _LOCAL.rstrip("\n") + "\n" + "".join(_offers(choices.offered))
    lines = ["# Where models are. Clients ask for provider/model.\n", "providers:\n"]
    lines += [f"  {found.row.name}:\n    api_key: ${{{found.variable}}}\n" for found in choices.providers]
    if choices.ollama is not None:
        lines.append("  ollama: {}\n")
    return "".join([*lines, *_offers(choices.offered)])


def _offers(offered: Sequence[FoundProvider]) -> Iterator[str]:
    for found in offered:
        yield f"  # {found.variable} is set, which {found.row.title} would take:\n"
        yield f'  # {found.row.name}: {{api_key: "${{{found.variable}}}"}}\n'


def _models(choices: Choices) -> str:
    name = (
        choices.providers[0].row.name if choices.providers else "ollama" if choices.ollama is not None else "local"
    )
    return f"""
# Without names of your own here, every model of every provider can be asked for. With them, these alone; the first
# provider of a model is tried first.
# models:
#   fast: {{provider: {name}, model: its-name-there}}
#   "gpt-*": {name}
"""


def _servers(servers: Sequence[Adopted]) -> str:
    if not servers:
        return _BUNDLED
    return _ADOPTED + "".join(_server(server) for server in servers)


def _server(server: Adopted) -> str:
    origin = one_line(f"{server.file.client}: {server.file.path}", 200)
    return f"  # from {origin}\n" + textwrap.indent(yaml_lines({server.name: dict(server.entry)}), "  ")
