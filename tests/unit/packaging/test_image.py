"""The image and the compose file: what they promise about confinement, and that they name what is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["toolgate"]


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", "", (ROOT / "deploy" / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def arguments(instructions: list[tuple[str, str]], name: str) -> list[str]:
    return [argument for instruction, argument in instructions if instruction == name]


def test_the_engines_socket_is_mounted_nowhere(service):
    assert [volume["target"] for volume in service["volumes"]] == [
        "/etc/toolgate",
        "/var/lib/toolgate",
        "/var/cache/toolgate",
    ]
    assert "docker.sock" not in yaml.safe_dump(service)


def test_the_service_is_confined_and_listens_to_this_machine_alone(service):
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert [port.split(":")[0] for port in service["ports"]] == ["127.0.0.1"]


def test_the_configuration_is_mounted_read_only_and_must_exist(service):
    [config] = [volume for volume in service["volumes"] if volume["target"] == "/etc/toolgate"]
    assert config["read_only"] is True
    assert config["bind"] == {"create_host_path": False}


def test_the_service_is_built_from_our_dockerfile_and_its_volumes_are_declared(service):
    document = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert (ROOT / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    named = {volume["source"] for volume in service["volumes"] if volume["type"] == "volume"}
    assert set(document["volumes"]) == named


def test_no_credential_stands_in_the_compose_file(service):
    assert all(value is None for value in service["environment"].values())


def test_everything_that_the_dockerfile_copies_is_there_and_let_into_the_build(instructions):
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    copied = [copy.split()[:-1] for copy in arguments(instructions, "COPY") if not copy.startswith("--from")]
    sources = [source for group in copied for source in group]
    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source.split('/')[0]}" in ignore


def test_the_image_installs_only_pinned_files_and_runs_as_nobody_in_particular(instructions):
    installs = [
        part for run in arguments(instructions, "RUN") for part in run.split("&&") if "pip install" in part
    ]
    assert len(installs) == 3
    assert all("--require-hashes" in install or "--no-index" in install for install in installs)
    assert arguments(instructions, "USER") == ["10001:10001"]
    assert instructions.index(("USER", "10001:10001")) < instructions.index(("ENTRYPOINT", '["toolgate"]'))


def test_the_image_asks_the_route_that_the_gateway_answers_and_the_port_that_it_serves(instructions):
    [check] = arguments(instructions, "HEALTHCHECK")
    [command] = arguments(instructions, "CMD")
    assert "http://127.0.0.1:8484/healthz" in check
    assert '"--port", "8484"' in command
    assert '("GET", "/healthz")' in (ROOT / "gateway" / "app.py").read_text()
