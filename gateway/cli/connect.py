"""`toolgate connect`: what a client's files must say so that it uses this gateway, printed or written."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from gateway.cli.connecting.clients import CLIENTS, Piece, Wanted
from gateway.cli.connecting.merging import MergeFault, merged_json, merged_toml
from gateway.cli.options import json_option
from gateway.cli.output import Failure, print_json, say
from gateway.cli.setup.texts import KEY_VARIABLE
from gateway.cli.setup.writing import Draft, write_all
from gateway.config import DEFAULT_FILE, Listen, load_config
from gateway.config.addresses import url_fault
from gateway.config.files import FileFault, FileMissing, read_text
from gateway.errors import ConfigError

_LARGEST = 4 * 1024 * 1024  # bytes of a client's file
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TWICE = "a key with `tools: auto` gets its tools with its models, too: `tools: on_request` leaves them to /mcp"


@click.command(help="Connect a client to the gateway: print what its files must say, or write it there.")
@click.argument("client", type=click.Choice(list(CLIENTS)))
@click.option("--url", help="Where the gateway is.  [default: as ./gateway.yaml says, else port 8484 here]")
@click.option(
    "--key-env",
    default=KEY_VARIABLE,
    show_default=True,
    help="The variable that holds the key, which is not written.",
)
@click.option("--tools/--no-tools", default=True, show_default=True, help="The tools, at /mcp.")
@click.option(
    "--models/--no-models", default=True, show_default=True, help="The models, where the client lets one."
)
@click.option("--write", is_flag=True, help="Write the files, which keep all else that they say.")
@json_option
def command(
    client: str, url: str | None, key_env: str, tools: bool, models: bool, write: bool, as_json: bool
) -> None:
    """Nothing is asked of the gateway or of the client."""
    wanted = _wanted(url or _own_url(), key_env)
    purposes = [purpose for purpose, is_on in (("tools", tools), ("models", models)) if is_on]
    pieces = [piece for piece in CLIENTS[client].pieces(wanted) if piece.purpose in purposes]
    if not pieces:
        raise Failure(f"{CLIENTS[client].title} cannot be connected to that alone", status=2)
    written: dict[Path, bool] = _write(pieces) if write else {}
    if as_json:
        files = [
            {"path": str(one.path), "for": one.purpose, "form": one.form, "values": one.values} for one in pieces
        ]
        print_json(
            {"client": client, "files": files, "written": {str(path): is_new for path, is_new in written.items()}}
        )
        return
    for path, is_changed in written.items():
        say(f"wrote {path}" if is_changed else f"{path} says it already")
    if not write:
        _print(pieces)
    for words in CLIENTS[client].then(wanted):
        say(words, label="note")
    if {piece.purpose for piece in pieces} == {"tools", "models"}:
        say(_TWICE, label="note")


def _own_url() -> str:
    """Where the gateway of this folder listens, seen from this machine."""
    try:
        listen = load_config(None).listen
    except ConfigError:
        listen = Listen()
        if Path(DEFAULT_FILE).exists():
            say(
                f"{DEFAULT_FILE} is wrong: port {listen.port} is taken for granted, or give --url", label="warning"
            )
    anywhere = listen.host in ("", "0.0.0.0", "::")  # noqa: S104 - compared, not listened on
    host = "127.0.0.1" if anywhere else f"[{listen.host}]" if ":" in listen.host else listen.host
    return f"http://{host}:{listen.port or Listen().port}"


def _wanted(url: str, key_env: str) -> Wanted:
    if fault := url_fault(url):
        raise Failure(f"--url {fault[0]}", hint=fault[1], status=2)
    if "?" in url:
        raise Failure("--url must not hold a query", hint="give the address of the gateway alone", status=2)
    if _VARIABLE.fullmatch(key_env) is None:
        raise Failure("--key-env is no name of a variable", hint="give the name, not the key", status=2)
    home = Path.home()
    configured = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return Wanted(
        origin=re.sub(r"/(v1|mcp)?/*$", "", url),
        key_variable=key_env,
        folder=Path.cwd(),
        home=home,
        config_home=configured if configured.is_absolute() else home / ".config",
        codex_home=Path(os.environ.get("CODEX_HOME") or home / ".codex"),
    )


def _print(pieces: Sequence[Piece]) -> None:
    for path, text in _merged(pieces, dict.fromkeys((piece.path for piece in pieces), "")).items():
        click.echo(f"# {path}\n{text}")


def _write(pieces: Sequence[Piece]) -> dict[Path, bool]:
    """Write what is missing; whether each file was changed. Blocking. Raises Failure: then nothing is written."""
    old = {piece.path: _read(piece.path) for piece in pieces}
    texts = _merged(pieces, old)
    changed = {path: text for path, text in texts.items() if text != old[path]}
    write_all([Draft(path, text, mode=_mode(path)) for path, text in changed.items()])
    return {path: path in changed for path in texts}


def _merged(pieces: Sequence[Piece], old: Mapping[Path, str]) -> dict[Path, str]:
    """The text of each file with all that it must say."""
    texts = dict(old)
    for piece in pieces:
        merge = merged_toml if piece.form == "toml" else merged_json
        try:
            texts[piece.path] = merge(texts[piece.path], piece.values)
        except MergeFault as fault:
            hint = "the same command without --write prints what to put there by hand"
            raise Failure(f"{piece.path} stays as it is: {fault.message}", hint=hint) from None
    return texts


def _read(path: Path) -> str:
    try:
        return read_text(path, longest=_LARGEST).text
    except FileMissing:
        return ""
    except FileFault as fault:
        raise Failure(f"{path}: {fault.message}", hint=fault.hint) from None


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
