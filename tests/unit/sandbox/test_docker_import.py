from __future__ import annotations

import subprocess
import sys


def test_docker_py_is_not_imported_before_an_engine_is_found():
    """It costs some megabytes and a good part of the start, and many gateways never meet an engine."""
    look = "import sys, sandbox; from sandbox.docker import DockerBackend; print('docker' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "False"
