"""`toolgate tools list` and `toolgate tools call`: a key's tools, without a model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from gateway.api.ids import new_run_id
from gateway.api.tools import describe_outcome, describe_tool
from gateway.cli.commands import CommandGroup, nearest
from gateway.cli.options import config_options, json_option
from gateway.cli.output import Failure, print_json, print_table, say
from gateway.cli.session import chosen_key, with_gateway
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

    async def look(gateway: Gateway) -> list[dict[str, object]]:
        services = gateway.services
        policy = services.policies[chosen_key(list(services.policies), key)]
        return [describe_tool(tool) for tool in services.hub.catalogue.tools if policy.visible(tool.qualified)]

    tools = with_gateway(config_path, mcp_configs, look, quiet=as_json)
    if as_json:
        print_json({"tools": tools})
    else:
        print_table(("TOOL", "WHAT IT DOES"), [_row(tool) for tool in tools])


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
    text = _from_standard_input() if arguments == "-" else arguments
    known: list[str] = []

    async def call(gateway: Gateway) -> ToolOutcome:
        services = gateway.services
        key_id = chosen_key(list(services.policies), key)
        policy, limits = services.policies[key_id], services.loop_limits
        known.extend(one.qualified for one in services.hub.catalogue.tools if policy.visible(one.qualified))
        context = CallContext(key_id, new_run_id(), policy, limits.tool_call_seconds, limits.result_bytes)
        return await services.tool_caller.call(ToolCallRequest("command-line", tool, text), context)

    outcome = with_gateway(config_path, mcp_configs, call, quiet=as_json)
    if as_json:
        print_json(describe_outcome(outcome))
    elif not outcome.is_error:
        click.echo(outcome.text)
    else:
        raise Failure(outcome.text, hint=_advice(outcome, tool, known))
    if not as_json:
        say(f"{outcome.qualified}: {outcome.outcome} in {outcome.duration_seconds:.3f} s", label="note")
    return 1 if outcome.is_error else 0


def _from_standard_input() -> str:
    return sys.stdin.buffer.read(LARGEST + 1).decode(errors="surrogateescape")


def _advice(outcome: ToolOutcome, tool: str, known: Sequence[str]) -> str | None:
    if outcome.outcome == "unknown_tool":
        near = nearest(tool, known)
        return f"did you mean {near}?" if near else "`toolgate tools list` shows what this key may use"
    if outcome.verdict in ("deny", "ask"):
        return f"`toolgate policy explain --tool {tool} --args ...` says why {outcome.rule} holds"
    return None


def _row(tool: dict[str, object]) -> tuple[str, str]:
    words = str(tool["description"] or "").strip().split("\n")[0]
    return str(tool["qualified_name"]), words if len(words) <= 80 else words[:79] + "…"
