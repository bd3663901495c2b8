from __future__ import annotations

import mcp_types
from mcp.shared import inbound
from mcp.shared.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp_types import version

from gateway.hub import protocol
from gateway.hub.argument_headers import argument_headers, find_invalid_header, header_map


def test_names_and_numbers_are_those_of_the_sdk():
    assert protocol.HANDSHAKE_VERSIONS == version.HANDSHAKE_PROTOCOL_VERSIONS
    assert (protocol.MODERN_VERSION,) == version.MODERN_PROTOCOL_VERSIONS
    assert protocol.VERSION_META_KEY == mcp_types.PROTOCOL_VERSION_META_KEY
    assert protocol.CLIENT_INFO_META_KEY == mcp_types.CLIENT_INFO_META_KEY
    assert protocol.CLIENT_CAPABILITIES_META_KEY == mcp_types.CLIENT_CAPABILITIES_META_KEY
    assert protocol.LOG_LEVEL_META_KEY == mcp_types.LOG_LEVEL_META_KEY
    assert protocol.SERVER_INFO_META_KEY == mcp_types.SERVER_INFO_META_KEY
    assert protocol.SUBSCRIPTION_META_KEY == SUBSCRIPTION_ID_META_KEY
    assert protocol.VERSION_HEADER == inbound.MCP_PROTOCOL_VERSION_HEADER
    assert protocol.METHOD_HEADER == inbound.MCP_METHOD_HEADER
    assert protocol.NAME_HEADER == inbound.MCP_NAME_HEADER
    assert protocol.ARGUMENT_HEADER_KEY == inbound.X_MCP_HEADER_KEY
    assert protocol.METHOD_NOT_FOUND == mcp_types.METHOD_NOT_FOUND
    assert protocol.INVALID_PARAMS == mcp_types.INVALID_PARAMS
    assert protocol.INTERNAL_ERROR == mcp_types.INTERNAL_ERROR


def test_arguments_are_mirrored_where_the_schema_asks_for_it():
    schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
    assert find_invalid_header(schema) is None
    assert argument_headers(header_map(schema), {"region": "eu"}) == {"Mcp-Param-Region": "eu"}


def test_a_header_that_cannot_be_is_told():
    schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "not a token"}}}
    assert find_invalid_header(schema)


def test_schemas_that_ask_for_nothing_are_left_alone():
    schema = {"type": "object", "properties": {"tags": {"type": "array", "items": [{"type": "string"}]}}}
    assert find_invalid_header(schema) is None
    assert header_map(schema) == {}
