"""`toolgate tools list` and `toolgate tools call`: a key's tools, without a model."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from gateway.api.ids import new_run_id
from gateway.api.tools import describe_outcome, describe_tool
from gateway.auth import KeyId
from gateway.cli.commands import CommandGroup, nearest
from gateway.cli.options import config_options, json_option
from gateway.cli.output import Failure, counted, print_json, print_table, say
from gateway.cli.session import chosen_key, load_quietly, with_gateway
from gateway.config import Config
from gateway.runtime import Gateway
from gateway.tool_calls import CallContext, ToolCallRequest, ToolOutcome
from gateway.tool_calls.arguments import LARGEST

key_option = click.option("--key", help="Act for this key.  [default: the only one]")


@click.group(cls=CommandGroup, help="List and call tools, under a key's policy.")
def command() -> None:
    """Servers are started as the gateway would start them."""


@command.command("list")
@config_options
@key_option
@json_option
def list_tools(config_path: Path | None, mcp_configs: tuple[Path, ...], key: str | None, as_json: bool) -> None:
    """List the tools that a key may use."""
    config = load_quietly(config_path, mcp_configs)
    key_id = chosen_key(config, key)
    everything: list[str] = []

    async def look(gateway: Gateway) -> list[dict[str, object]]:
        services = gateway.services
        everything.extend(tool.qualified for tool in services.hub.catalogue.tools)
        visible = services.policies[key_id].visible
        return [describe_tool(tool) for tool in services.hub.catalogue.tools if visible(tool.qualified)]

    tools = with_gateway(config, look, quiet=as_json)
    if as_json:
        print_json({"tools": tools})
        return
    print_table(("TOOL", "WHAT IT DOES"), [_row(tool) for tool in tools])
    if hidden := len(everything) - len(tools):
        say(f"{counted(hidden, 'more tool')}, which no policy of {key_id} allows", label="note")


@command.command("call")
@click.argument("tool")
@click.option(
    "--args", "arguments", default="{}", show_default=True, help="The arguments, as a JSON object; - reads them."
)
@config_options
@key_option
@json_option
def call_tool(
    tool: str,
    arguments: str,
    config_path: Path | None,
    mcp_configs: tuple[Path, ...],
    key: str | None,
    as_json: bool,
) -> int:
    """Call TOOL, such as files/read_file. Exit status 1 when it is refused or fails."""
    config = load_quietly(config_path, mcp_configs)
    key_id = chosen_key(config, key)
    text = _from_standard_input() if arguments == "-" else arguments
    hints: list[str | None] = []

    async def call(gateway: Gateway) -> ToolOutcome:
        services = gateway.services
        policy, limits = services.policies[key_id], services.loop_limits
        context = CallContext(
            key_id, new_run_id(), policy, limits.tool_call_seconds, limits.result_bytes, surface="command"
        )
        outcome = await services.tool_caller.call(ToolCallRequest("command-line", tool, text), context)
        hints.append(_advice(outcome, tool, key_id, gateway))
        return outcome

    outcome = with_gateway(_with_one_server(config, tool), call, quiet=as_json)
    if as_json:
        print_json(describe_outcome(outcome))
    elif not outcome.is_error:
        click.echo(outcome.text)
    else:
        raise Failure(outcome.text, hint=hints[0])
    if not as_json:
        say(f"{outcome.qualified}: {outcome.outcome} in {outcome.duration_seconds:.3f} s", label="note")
    return 1 if outcome.is_error else 0


def _from_standard_input() -> str:
    return sys.stdin.buffer.read(LARGEST + 1).decode(errors="surrogateescape")


def _with_one_server(config: Config, tool: str) -> Config:
    """The configuration with the tool's server alone, where the name tells which: nobody waits for the others."""
    own = [server for server in config.servers if server.name == tool.partition("/")[0]]
    return replace(config, servers=tuple(own)) if own else config


def _advice(outcome: ToolOutcome, tool: str, key_id: KeyId, gateway: Gateway) -> str | None:
    if outcome.outcome == "unknown_tool":
        return _about_unknown(tool, key_id, gateway)
    if outcome.verdict in ("deny", "ask"):
        return f"`toolgate policy explain --tool {tool} --args ...` says why {outcome.rule} holds"
    return None


def _about_unknown(tool: str, key_id: KeyId, gateway: Gateway) -> str:
    """A model is not told what it may not know; whoever has the configuration is."""
    services = gateway.services
    known = [one.qualified for one in services.hub.catalogue.tools]
    if tool in known:
        explain = f"`toolgate policy explain --key {key_id} --tool {tool}`"
        return f"the server has it, but no policy of {key_id} allows it: see {explain}"
    down = [name for name, state in services.hub.states().items() if state == "down"]
    if tool.partition("/")[0] in down:
        return "its server is down: `toolgate doctor` says more"
    near = nearest(tool, [name for name in known if services.policies[key_id].visible(name)])
    return f"did you mean {near}?" if near else "`toolgate tools list` shows what this key may use"


def _row(tool: dict[str, object]) -> tuple[str, str]:
    words = str(tool["description"] or "").strip().split("\n")[0]
    return str(tool["qualified_name"]), words if len(words) <= 80 else words[:79] + "…"
