"""`toolgate doctor`: what works here, line by line, and how to mend what does not."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import anyio
import click

from gateway.cli.checkup.files import check_files
from gateway.cli.checkup.findings import Finding, State, of_problem
from gateway.cli.checkup.machine import check_port, check_sandboxes, check_storage
from gateway.cli.checkup.providers import check_providers
from gateway.cli.checkup.servers import check_servers
from gateway.cli.loading import load
from gateway.cli.options import config_options, json_option
from gateway.cli.output import as_typed, counted, paint, print_json, say
from gateway.config import Config
from gateway.errors import ConfigError
from gateway.telemetry.logs import Redactor, configure_logging
from sandbox import open_sandbox
from sandbox.locations import default_cache_dir, default_state_dir

_COLOURS: Mapping[State, str] = {"ok": "green", "warn": "yellow", "fail": "red"}
_PATIENCE = 300.0  # seconds: packages of servers may have to be fetched


@click.command(help="Find out what works here, and how to mend what does not.")
@config_options
@click.option(
    "--timeout",
    type=click.FloatRange(1, 3600),
    default=_PATIENCE,
    show_default=True,
    help="Seconds for the servers.",
)
@json_option
def command(config_path: Path | None, mcp_configs: tuple[Path, ...], timeout: float, as_json: bool) -> int:
    """Everything is looked at, side by side. Exit status 1 when something fails."""
    doctor = _Doctor(quiet=as_json)
    config = doctor.read(config_path, mcp_configs)
    anyio.run(doctor.look, config, timeout, backend_options={"use_uvloop": True})
    fails, warns = doctor.count("fail"), doctor.count("warn")
    if as_json:
        print_json({"ok": not fails, "findings": [one.to_json() for one in doctor.findings]})
    else:
        say(f"{doctor.count('ok')} ok, {counted(warns, 'warning')}, {counted(fails, 'failure')}")
    return 1 if fails else 0


class _Doctor:
    """Gathers findings, and shows each as it comes."""

    def __init__(self, *, quiet: bool) -> None:
        self.findings: list[Finding] = []
        self._quiet = quiet
        self._redactor = Redactor(())

    def tell(self, finding: Finding) -> None:
        """Take a finding; secrets of the configuration are taken out of it."""
        finding = finding.cleaned(self._redactor.clean)
        self.findings.append(finding)
        if not self._quiet:
            _show(finding)

    def count(self, state: State) -> int:
        """How many findings there are of a state."""
        return sum(finding.state == state for finding in self.findings)

    def read(self, config_path: Path | None, mcp_configs: tuple[Path, ...]) -> Config | None:
        """The configuration, None when it is wrong."""
        try:
            config = load(config_path, mcp_configs)
        except ConfigError as error:
            for problem in error.problems:
                self.tell(of_problem(problem, "fail"))
            return None
        self._redactor = Redactor(config.secrets)
        configure_logging(level="critical", json=False, secrets=config.secrets)
        check_files(config, self.tell)
        return config

    async def look(self, config: Config | None, timeout: float) -> None:  # noqa: ASYNC109 - the option's name
        """Look at everything else; without a configuration there is little to look at."""
        state_dir = config.storage.state_dir if config else default_state_dir()
        cache_dir = config.storage.cache_dir if config else default_cache_dir()
        sandbox = open_sandbox(state_dir=state_dir, cache_dir=cache_dir)
        if config is not None:
            await check_port(config.listen, self.tell)
            await check_storage(config, self.tell)
        await check_sandboxes(sandbox, config, self.tell)
        if config is None:
            return
        progress = None if self._quiet else say
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(check_providers, config, self.tell)
            await check_servers(config, sandbox, self.tell, progress, patience=timeout)


def _show(finding: Finding) -> None:
    """On standard output, as it is what was asked for."""
    state = paint(finding.state.ljust(4), _COLOURS[finding.state], sys.stdout)
    click.echo(f"{state}  {finding.area} {finding.subject}: {finding.message}", color=True)
    for line in finding.lines:
        click.echo(f"      | {line}")
    if finding.hint:
        click.echo(f"      {paint('hint:', 'cyan', sys.stdout)} {as_typed(finding.hint)}", color=True)
