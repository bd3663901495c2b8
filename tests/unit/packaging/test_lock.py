"""The lock: everything pinned with hashes, in step with pyproject.toml, and fit for any index."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
LOCKS = ("runtime", "litellm", "build", "dev")
_PIN = re.compile(r"([a-z0-9.-]+)==([^ ;\\]+)(?: ; ([^\\]+?))? \\")
_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")


class Pin(NamedTuple):
    version: str
    marker: str | None


def lines(name: str) -> list[str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def pins(name: str) -> dict[str, Pin]:
    matches = [match for line in lines(name) if (match := _PIN.fullmatch(line))]
    return {match[1]: Pin(match[2], match[3]) for match in matches}


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def wanted(name: str) -> list[Requirement]:
    """What pyproject.toml asks for in this lock."""
    groups = project()["dependency-groups"]
    dependencies = project()["project"]["dependencies"]
    asked = {
        "runtime": dependencies,
        "litellm": dependencies + project()["project"]["optional-dependencies"]["litellm"],
        "build": groups["build"] + project()["build-system"]["requires"],
        "dev": dependencies + groups["build"] + [entry for entry in groups["dev"] if isinstance(entry, str)],
    }
    return [Requirement(entry) for entry in asked[name]]


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_is_a_pin_or_a_hash_so_no_address_of_an_index_is_in_it(name):
    odd = [line for line in lines(name) if not (_PIN.fullmatch(line) or _HASH.fullmatch(line))]
    assert odd == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_a_hash(name):
    text = lines(name)
    bare = [
        line
        for line, following in zip(text, [*text[1:], ""], strict=True)
        if "==" in line and not _HASH.fullmatch(following)
    ]
    assert bare == []
    assert pins(name)


@pytest.mark.parametrize("name", LOCKS)
def test_what_the_project_asks_for_is_pinned_in_a_version_that_it_accepts(name):
    locked = pins(name)
    for requirement in wanted(name):
        pin = locked.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement.name} is not in requirements/{name}.txt: run `make lock`"
        assert requirement.specifier.contains(pin.version), f"{requirement} and {pin.version}: run `make lock`"


@pytest.mark.parametrize("name", ["runtime", "build"])
def test_one_environment_can_hold_all_locks(name):
    everything = pins("dev")
    assert {package: pin.version for package, pin in pins(name).items()} == {
        package: everything[package].version for package in pins(name)
    }
