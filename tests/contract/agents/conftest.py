"""The gateway and the models of the contract on Responses: `gpt`, `tiny` and `claude`."""

from tests.contract.responses.conftest import anyio_backend, model, shared_gateway

__all__ = ["anyio_backend", "model", "shared_gateway"]
