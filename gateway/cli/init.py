"""`toolgate init`: a first configuration, from what is found on this machine.

Nothing is overwritten unless `--force` says so, and nothing is written that `toolgate check` would not pass.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import click

from gateway.cli.commands import program
from gateway.cli.options import json_option
from gateway.cli.output import Failure, counted, print_json, say
from gateway.cli.setup.adopting import WITHOUT_CREDENTIALS, Adoption, LeftOut
from gateway.cli.setup.clients import ClientServers, find_client_servers
from gateway.cli.setup.drafts import checked_drafts, key_for
from gateway.cli.setup.env_file import read_env
from gateway.cli.setup.machine import FoundProvider, Machine, look_around
from gateway.cli.setup.texts import KEY_VARIABLE, POLICY_FILE, Choices
from gateway.cli.setup.writing import Draft, write_all
from gateway.config import DEFAULT_FILE
from sandbox.locations import default_cache_dir, default_state_dir

_URL = "http://127.0.0.1:8484/v1"


@click.command(help="Write a first gateway.yaml, a policy and a key, from what is found on this machine.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing: use what is found, and copy its keys to .env.")
@click.option("--force", is_flag=True, help="Replace gateway.yaml and the policy where they exist; never .env.")
@json_option
def command(folder: Path, yes: bool, force: bool, as_json: bool) -> None:
    """Without a terminal nothing is asked either, and then no credential is copied."""
    asks = not yes and not as_json and sys.stdin.isatty() and sys.stderr.isatty()
    folder = folder.absolute()
    _refuse_to_overwrite(folder, force=force)
    found = _look(folder)
    for line in found.lines():
        say(line)
    chosen = _choose(found, _Person(asks=asks, otherwise=yes))
    drafts = checked_drafts(folder, found.env_text, chosen.choices, chosen.variables, os.environ)
    write_all(drafts)
    if as_json:
        print_json(_described(drafts, chosen))
    else:
        _say_what_is_next(folder, drafts, found, chosen)


@dataclass(frozen=True, slots=True)
class _Found:
    """`environ` is the environment with what stands in `.env`, whose text is `env_text`."""

    environ: Mapping[str, str] = field(repr=False)
    env_text: str = field(repr=False)
    machine: Machine
    clients: list[ClientServers]

    def lines(self) -> Iterator[str]:
        """What was found, for people."""
        machine = self.machine
        for provider in machine.providers:
            yield f"found a key of {provider.row.title}: {provider.variable}"
        if machine.ollama is not None:
            yield f"found Ollama, with {counted(len(machine.ollama), 'model')}"
        for name, sandbox in machine.sandboxes.items():
            if sandbox.ok and name != "host":
                yield f"found {name} to confine tool servers: {sandbox.detail}"
        for client in self.clients:
            what = client.fault or f"{counted(len(client.servers), 'tool server')}: {', '.join(client.servers)}"
            yield f"found {client.file.path} of {client.file.client}: {what}"


@dataclass(frozen=True, slots=True)
class _Chosen:
    """`variables` are to be in `.env`."""

    choices: Choices
    variables: Mapping[str, str] = field(repr=False)
    left_out: list[LeftOut]


@dataclass(frozen=True, slots=True)
class _Person:
    """Whoever is at the terminal, if anybody is. `otherwise` is the answer to what only a person may allow."""

    asks: bool
    otherwise: bool

    def wants(self, question: str, *, default: bool = True) -> bool:
        """Whether something that was found is to be used."""
        return click.confirm(question, default=default, err=True) if self.asks else default

    def allows(self, question: str) -> bool:
        """Whether something may be done that has to be allowed."""
        return click.confirm(question, default=True, err=True) if self.asks else self.otherwise


def _refuse_to_overwrite(folder: Path, *, force: bool) -> None:
    there = [name for name in (DEFAULT_FILE, POLICY_FILE) if os.path.lexists(folder / name)]
    if there and not force:
        verb = "exist" if len(there) > 1 else "exists"
        hint = "`toolgate check` judges what is there; --force replaces it, but never .env"
        raise Failure(f"{' and '.join(there)} {verb} already in {folder}", hint=hint)


def _look(folder: Path) -> _Found:
    env_text, variables = read_env(folder / ".env")
    environ = {**variables, **os.environ}
    say("looking around on this machine")
    machine = anyio.run(look_around, environ, default_state_dir(environ), default_cache_dir(environ))
    return _Found(environ, env_text, machine, find_client_servers(folder, environ))


def _choose(found: _Found, person: _Person) -> _Chosen:
    providers: list[FoundProvider] = []
    offered: list[FoundProvider] = []
    for one in found.machine.providers:
        question = f"Use {one.row.title}, with the key in {one.variable}?"
        (providers if person.wants(question, default=one.is_plain) else offered).append(one)
    clients = [one for one in found.clients if one.servers and person.wants(_about_servers(one))]
    credentials = bool(providers or clients) and person.allows(
        "Copy the keys to .env, for you alone to read? Else they must be in the environment of `toolgate serve`."
    )
    adoption = Adoption(found.environ, with_secrets=credentials)
    for client in clients:
        adoption.take(client)
    choices = Choices(providers, offered, found.machine.ollama, list(adoption.adopted.values()))
    variables = {KEY_VARIABLE: key_for(found.environ)}
    if credentials:
        variables |= {one.variable: found.environ[one.variable] for one in providers}
        variables |= {name: value for server in choices.servers for name, value in server.secrets.items()}
    return _Chosen(choices, variables, adoption.left_out)


def _about_servers(client: ClientServers) -> str:
    return f"Take over {', '.join(client.servers)} from {client.file.client}? They will run confined."


def _described(drafts: list[Draft], chosen: _Chosen) -> dict[str, object]:
    choices = chosen.choices
    return {
        "written": [str(draft.path) for draft in drafts],
        "providers": [one.row.name for one in choices.providers] + ["ollama"] * (choices.ollama is not None),
        "servers": [server.name for server in choices.servers],
        "left_out": [
            {"server": one.name, "file": str(one.file.path), "reason": one.reason} for one in chosen.left_out
        ],
    }


def _say_what_is_next(folder: Path, drafts: list[Draft], found: _Found, chosen: _Chosen) -> None:
    for draft in drafts:
        say(f"wrote {draft.path}")
    for one in chosen.left_out:
        say(f"{one.name}, of {one.file.client}, is left out: {one.reason}", label="warning")
    if any(one.reason == WITHOUT_CREDENTIALS for one in chosen.left_out):
        say("to copy credentials to .env without being asked: `toolgate init --yes --force`", label="hint")
    if not found.machine.confines:
        say(
            "neither Docker nor bubblewrap works here, so tool servers with a command will not start",
            label="warning",
        )
        say("`toolgate doctor` says what each of the two lacks", label="hint")
    if not _is_ignored(folder):
        say(".env holds secrets: keep it out of version control with `echo .env >> .gitignore`", label="hint")
    is_here = folder == Path.cwd()
    cd = "" if is_here else f"cd {shlex.quote(str(folder))} && "
    command = program(elsewhere=not is_here)
    say("next:")
    click.echo(f"{cd}{command} doctor")
    click.echo(f"{cd}{command} serve")
    click.echo(f"{cd}{_curl(found.machine)}")


def _curl(machine: Machine) -> str:
    """A request that works: to a model where one is known to be there, else for the list of models."""
    key = f"-H \"Authorization: Bearer $(sed -n 's/^{KEY_VARIABLE}=//p' .env)\""
    if not machine.ollama:
        return f"curl -s {_URL}/models {key}"
    model = f"ollama/{machine.ollama[0]}"
    body = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "Which tools do you have?"}}]}}'
    return f"curl -s {_URL}/chat/completions {key} -d '{body}'"


def _is_ignored(folder: Path) -> bool:
    """Whether `.env` is out of reach of Git, as far as that can be seen at a glance."""
    if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        return True
    try:
        lines = (folder / ".gitignore").read_text(errors="replace").splitlines()
    except OSError:
        return False
    return any(line.strip() in (".env", "/.env", ".env*", "*.env") for line in lines)
