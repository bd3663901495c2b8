"""The wheel: built from this checkout without an index, and complete when it is installed."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import venv
import zipfile
from email import message_from_string
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("gateway", "mcp_servers", "sandbox", "tool_policies")
DEADLINE_SECONDS = 120


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    [built] = folder.glob("toolgate-*-py3-none-any.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_it_holds_every_file_of_the_four_packages_and_nothing_else(names):
    ours = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == ours
    # Named, because without them it would work less and nothing would say so.
    assert {"gateway/providers/table.json", "mcp_servers/catalog/github.json"} <= names
    assert {f"{package}/py.typed" for package in PACKAGES} <= names


def test_it_names_its_license_its_dependencies_and_its_command(wheel, names):
    [folder] = {name.partition("/")[0] for name in names if ".dist-info/" in name}
    assert f"{folder}/licenses/LICENSE" in names
    with zipfile.ZipFile(wheel) as archive:
        metadata = message_from_string(archive.read(f"{folder}/METADATA").decode())
        commands = archive.read(f"{folder}/entry_points.txt").decode()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert metadata["Name"] == "toolgate"
    assert metadata["Requires-Python"] == ",".join(sorted(project["requires-python"].split(",")))
    asked = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    assert len(metadata.get_all("Requires-Dist") or []) == len(asked)
    assert set(metadata.get_all("Provides-Extra") or []) == set(project["optional-dependencies"])
    assert "toolgate = gateway.cli:main" in commands


def test_installed_it_finds_its_data_files_and_its_command(wheel, tmp_path):
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = ("-m", "pip", "--python", str(python), "-q", "install", "--no-deps", "--no-index", str(wheel))
    run(sys.executable, *install, cwd=tmp_path)
    # What it depends on comes from the environment of the tests, the four packages from the wheel.
    site = next((tmp_path / "venv" / "lib").glob("python3*/site-packages"))
    dependencies = next(Path(entry) for entry in sys.path if entry.endswith("site-packages"))
    (site / "dependencies.pth").write_text(f"{dependencies}\n")
    code = (
        "import gateway, mcp_servers, sandbox, tool_policies\n"
        "from gateway.providers.table import KNOWN_PROVIDERS\n"
        "assert KNOWN_PROVIDERS\n"
        "print(gateway.__file__, mcp_servers.__file__, sandbox.__file__, tool_policies.__file__, sep='\\n')\n"
    )
    places = run(python, "-I", "-c", code, cwd=tmp_path).split()
    assert [Path(place).parent.parent for place in places] == [site] * 4
    assert run(tmp_path / "venv" / "bin" / "toolgate", "--version", cwd=tmp_path).startswith("toolgate ")
