"""What is said when a port cannot be listened on."""

from __future__ import annotations

import socket

import pytest

from gateway.cli.output import Failure
from gateway.cli.serving import base_url, bind


def test_a_taken_port_is_said_to_be_taken():
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(Failure, match="is taken") as caught:
        bind("127.0.0.1", other.getsockname()[1])
    assert "--port" in str(caught.value.hint)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_a_host_that_is_not_this_machine_is_said_to_be_none(host: str):
    with pytest.raises(Failure, match=f"^{host} is not an address of this machine$") as caught:
        bind(host, 0)
    assert caught.value.status == 2


def test_the_url_of_a_listener_can_be_given_to_clients():
    with bind("127.0.0.1", 0) as listener:
        assert base_url(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
