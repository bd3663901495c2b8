"""The gateway and the models of the contract on Responses: `gpt`, `tiny` and `claude`."""

from tests.contract.responses.conftest import anyio_backend, gateway, model, script, shared_gateway, upstream

__all__ = ["anyio_backend", "gateway", "model", "script", "shared_gateway", "upstream"]
