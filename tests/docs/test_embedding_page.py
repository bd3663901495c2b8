"""The program in docs/embedding.md runs: it serves its function, and stops when it is told to."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import anyio
import httpx2

from .pages import ROOT, blocks
from .test_docs import ENVIRON, lay_out

PAGE = ROOT / "docs" / "embedding.md"


async def test_the_program_that_embeds_the_gateway_serves_its_function_and_stops_at_sigterm(tmp_path: Path):
    lay_out(tmp_path, PAGE)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = tmp_path / "gateway.yaml"
    config.write_text(config.read_text().replace("port: 8484", f"port: {port}"))
    (program,) = [block for block in blocks(PAGE) if block.note == "program"]
    environ = {**ENVIRON, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path / "state")}
    process = subprocess.Popen([sys.executable, "-c", program.text], cwd=tmp_path, env=environ)
    try:
        headers = {"authorization": f"Bearer {ENVIRON['AGENT_1_KEY']}"}
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as http:
            with anyio.fail_after(60):
                while not await is_up(http):
                    assert process.poll() is None
                    await anyio.sleep(0.05)
            added = await http.post("/v1/tools/mine/add", json={"arguments": {"first": 2, "second": 3}})
        assert (added.status_code, added.json()["content"][0]["text"]) == (200, "5")
        process.send_signal(signal.SIGTERM)
        assert await anyio.to_thread.run_sync(process.wait, 60) == 0
    finally:
        process.kill()
        process.wait()


async def is_up(http: httpx2.AsyncClient) -> bool:
    try:
        return (await http.get("/healthz")).status_code == 200
    except httpx2.TransportError:
        return False
