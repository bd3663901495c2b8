"""FastAPI and httpx2 under uvicorn, one worker; the application is `naive_app`."""

from __future__ import annotations

import sys

from bench.servers import Launch, Peer, Place

_KEY = "bench-secret-0123456789"


def launch(place: Place) -> Launch:
    """Start uvicorn as its command line does by default, without its access log."""
    command = (
        *(sys.executable, "-m", "uvicorn", "--factory", "bench.peers.naive_app:from_environment"),
        *("--host", "127.0.0.1", "--port", str(place.port), "--no-access-log", "--log-level", "warning"),
    )
    return Launch(command, {"BENCH_UPSTREAM": f"http://127.0.0.1:{place.upstream}/v1", "BENCH_KEY": _KEY})


PEER = Peer("naive", launch, key=_KEY)
