"""The client's request as the tool loop takes it: with our tools beside the client's.

Above: `loop_run`, and `remembering`, which needs it to look up its history. Below: the dialects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.api.model_inquiry import Inquiry
from gateway.api.toolgate_field import HEADER
from gateway.conversation import ModelRequest
from gateway.errors import InvalidRequest
from gateway.exposure import check_names


def read_model_request(headers: Mapping[str, str], inquiry: Inquiry) -> ModelRequest:
    """The client's request with our tools added; `headers` are those it came with. Raises InvalidRequest."""
    given = inquiry.dialect.read_request(inquiry.fields)
    ours = inquiry.exposure.definitions
    if ours:
        _check_compatible(given)
    check_names(inquiry.exposure.names, given.tools, name_field=inquiry.dialect.traits.tool_name)
    choice = inquiry.brought.redirected(given.tool_choice)
    kept = meaningful_headers(headers, inquiry)
    return replace(given, tools=(*given.tools, *ours), tool_choice=choice, headers=kept)


def meaningful_headers(headers: Mapping[str, str], inquiry: Inquiry) -> dict[str, str]:
    """Those that change what the request means."""
    names = inquiry.dialect.traits.request_headers
    return {name: headers[name] for name in names if name in headers}


def _check_compatible(given: ModelRequest) -> None:
    """What cannot be had together with tools of ours. Raises InvalidRequest."""
    without = f"or leave the gateway's tools out with the header {HEADER}: none"
    if given.n > 1:
        raise InvalidRequest(f"n must be 1 while tools are attached, {without}", param="n")
    for legacy in ("functions", "function_call"):
        if legacy in given.extras:
            message = f"{legacy} cannot be used while tools are attached: use tools and tool_choice, {without}"
            raise InvalidRequest(message, param=legacy)
