"""LiteLLM's proxy, one worker, with a master key and no database.

It is installed into an environment of its own, in the user's cache folder, because its dependencies are many and
are none of ours. It is told to stay on this machine: no telemetry, and its price list as shipped.
"""

from __future__ import annotations

from pathlib import Path

import orjson

from bench import wire
from bench.environments import program_of
from bench.servers import Launch, Peer, Place

VERSION = "1.108.5"

_KEY = "sk-bench-secret-0123456789"
_ENVIRONMENT = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "DO_NOT_TRACK": "1"}


def launch(place: Place) -> Launch:
    """Write its configuration (JSON is YAML) and start it."""
    program = installed()
    base = f"http://127.0.0.1:{place.upstream}/v1"
    models = [
        {
            "model_name": model,
            "litellm_params": {"model": f"openai/{model}", "api_base": base, "api_key": "none"},
        }
        for model in wire.MODELS
    ]
    config = place.folder / "config.yaml"
    config.write_bytes(orjson.dumps({"model_list": models, "general_settings": {"master_key": _KEY}}))
    command = (
        *(str(program), "--config", str(config), "--host", "127.0.0.1", "--port", str(place.port)),
        *("--num_workers", "1", "--telemetry", "False"),
    )
    return Launch(command, {**_ENVIRONMENT, "PYTHONPATH": ""})


def installed() -> Path:
    """Its program; installed first when it is not there. Raises PeerMissing. Blocking, minutes the first time."""
    return program_of("litellm", VERSION, "litellm", extra="proxy")


PEER = Peer("litellm", launch, key=_KEY, ready_seconds=120.0)
