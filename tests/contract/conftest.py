"""What the folders of this one have in common: a model that answers by the book.

Each folder has a gateway in front of it (`shared_gateway`, for a module), and says so in its own `conftest.py`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from gateway.providers.scripted import ScriptedUpstream
from tests.support.gateways import InProcess


@pytest.fixture(scope="module")
async def script() -> AsyncGenerator[ScriptedUpstream]:
    async with ScriptedUpstream(models=("tiny",)).serve() as upstream:
        yield upstream


@pytest.fixture
async def upstream(script: ScriptedUpstream) -> AsyncGenerator[ScriptedUpstream]:
    """The model, with an empty script."""
    script.forget()
    yield script
    assert script.is_over, "the gateway asked less of the model than the script expects"


@pytest.fixture
def gateway(shared_gateway: InProcess) -> InProcess:
    return shared_gateway
