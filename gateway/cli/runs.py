"""`toolgate runs`: what runs did, from the audit trail. A gateway may be running meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import anyio
import click
import orjson

from gateway.audit import AuditRecords, RunRecord, ToolCallRecord, to_json
from gateway.cli.commands import CommandGroup
from gateway.cli.loading import is_without_database, load
from gateway.cli.options import config_options, json_option
from gateway.cli.output import Failure, print_fields, print_json, print_table, say
from gateway.store import open_database

ResultT = TypeVar("ResultT")
_MOST = 1000


class _RunsGroup(CommandGroup):
    """Lists when no subcommand is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_named = args and (not args[0].startswith("-") or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if is_named else ["list", *args])


@click.group(
    cls=_RunsGroup, help="Show what runs did, from the audit trail; without a subcommand they are listed."
)
def command() -> None:
    """The trail is read where it lies, so no gateway has to run."""


@command.command("list")
@config_options
@click.option("--key", help="The runs of this key alone.")
@click.option("--limit", type=click.IntRange(1, _MOST), default=50, show_default=True, help="How many.")
@json_option
def list_runs(
    config_path: Path | None, mcp_configs: tuple[Path, ...], key: str | None, limit: int, as_json: bool
) -> None:
    """List the latest runs, newest first."""
    runs = _ask(config_path, mcp_configs, lambda trail: trail.runs(limit=limit, key_id=key), nothing=[])
    if as_json:
        print_json({"runs": [_plain(run) for run in runs]})
    elif runs:
        user = ("USER",) if any(run.user for run in runs) else ()
        heads = ("ENDED", "RUN", "KEY", *user, "MODEL", "OUTCOME", "ROUNDS", "CALLS", "TOKENS", "SECONDS")
        print_table(heads, [_row(run, with_user=bool(user)) for run in runs])
    else:
        say("there are no runs yet")


@command.command("show")
@click.argument("run_id")
@config_options
@json_option
def show_run(run_id: str, config_path: Path | None, mcp_configs: tuple[Path, ...], as_json: bool) -> None:
    """Show one run and its tool calls."""
    found = _ask(config_path, mcp_configs, lambda trail: trail.run(run_id), nothing=None)
    if found is None:
        raise Failure(f"there is no run {run_id!r}", hint="`toolgate runs list` shows those that there are")
    run, calls = found
    if as_json:
        print_json({"run": _plain(run), "tool_calls": [_plain(call) for call in calls]})
        return
    print_fields(_described(run))
    if calls:
        click.echo("")
        print_table(
            ("TOOL", "VERDICT", "RULE", "OUTCOME", "SECONDS", "WHERE"), [_call_row(call) for call in calls]
        )


def _ask(
    config_path: Path | None,
    mcp_configs: tuple[Path, ...],
    ask: Callable[[AuditRecords], Awaitable[ResultT]],
    *,
    nothing: ResultT,
) -> ResultT:
    """What the trail answers; `nothing` when there is no database yet, and none is made. Raises StoreError."""
    config = load(config_path, mcp_configs)
    if is_without_database(config):
        return nothing

    async def run() -> ResultT:
        async with open_database(config.storage.database, read_only=True) as database:
            return await ask(AuditRecords(database))

    return anyio.run(run)


def _plain(record: RunRecord | ToolCallRecord) -> dict[str, Any]:
    return orjson.loads(to_json(record))


def _row(run: RunRecord, *, with_user: bool) -> tuple[str, ...]:
    user = (run.user.subject if run.user else "-",) if with_user else ()
    tokens = str(run.usage.input_tokens + run.usage.output_tokens) if run.usage else "-"
    return (
        _local(run.ended),
        run.run_id,
        run.key_id,
        *user,
        run.model or "-",
        run.outcome,
        str(run.rounds),
        str(run.calls),
        tokens,
        f"{(run.ended - run.started).total_seconds():.2f}",
    )


def _described(run: RunRecord) -> list[tuple[str, str]]:
    usage = run.usage
    return [
        ("run", run.run_id),
        ("key", run.key_id),
        *([("user", f"{run.user.subject}, as {run.user.issuer} has it")] if run.user else []),
        ("model", run.model or "-"),
        ("outcome", run.outcome),
        ("started", _local(run.started)),
        ("took", f"{(run.ended - run.started).total_seconds():.3f} s"),
        ("rounds", str(run.rounds)),
        ("tokens", f"{usage.input_tokens} in, {usage.output_tokens} out" if usage else "not known"),
        ("cost", f"${usage.cost_usd:.6f}" if usage and usage.cost_usd is not None else "not known"),
        ("client", run.client or "-"),
    ]


def _call_row(call: ToolCallRecord) -> tuple[str, ...]:
    name = f"{call.server}/{call.tool}" if call.server and call.tool else call.requested
    where = ", ".join(value for values in call.targets.values() for value in values)
    return name, call.verdict, call.rule or "-", call.outcome, f"{call.duration_seconds:.3f}", where or "-"


def _local(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
