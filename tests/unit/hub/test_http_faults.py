"""What aiohttp raises, in words of the system."""

from __future__ import annotations

import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from gateway.hub.peer import Unreachable
from gateway.hub.transports.http_answers import faults_mapped

KEY = ConnectionKey("127.0.0.1", 9, False, True, None, None, None)


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 9)"), "Connection refused"),
        # Numbers of TLS are none of the system's, whose first one is "Operation not permitted".
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "wrong version number"),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), "certificate verify failed"),
    ],
)
def test_a_connection_that_cannot_be_made_says_why(cause: OSError, words: str):
    with pytest.raises(Unreachable, match=f"^no connection could be made: .*{words}$"), faults_mapped():
        raise aiohttp.ClientConnectorError(KEY, cause)
