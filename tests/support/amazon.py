"""Amazon's own SDK as a judge of what we send it: its service model, its validator, its parsers."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

import botocore.session
from botocore.eventstream import EventStreamBuffer
from botocore.model import OperationModel, Shape
from botocore.parsers import EventStreamJSONParser, create_parser
from botocore.validate import ParamValidator


@cache
def operation(name: str) -> OperationModel:
    """One of the operations of Bedrock's runtime."""
    return botocore.session.get_session().get_service_model("bedrock-runtime").operation_model(name)


def check_request(body: dict[str, Any], model: str = "us.anthropic.claude-x-v1:0") -> None:
    """Fail unless Amazon's validator finds this body without fault."""
    shape = operation("Converse").input_shape
    params = {"modelId": model, **_as_given(body, shape)}
    report = ParamValidator().validate(params, shape)
    assert not report.has_errors(), report.generate_report()


def parse_answer(body: bytes, operation_name: str = "Converse") -> dict[str, Any]:
    """A whole answer, as Amazon's SDK gives it."""
    response = {"status_code": 200, "headers": {}, "body": body}
    return create_parser("rest-json").parse(response, operation(operation_name).output_shape)


def parse_stream(data: bytes) -> list[dict[str, Any]]:
    """The events of a stream, as Amazon's SDK gives them: those that it does not know are none."""
    shape = operation("ConverseStream").output_shape.members["stream"]
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    parsed = [EventStreamJSONParser().parse(message.to_response_dict(), shape) for message in buffer]
    return [event for event in parsed if event]


def _as_given(value: Any, shape: Shape) -> Any:
    """JSON as a program would give it to the SDK: what is base64 there is bytes here."""
    match shape.type_name:
        case "structure" if getattr(shape, "is_document_type", False):
            return value
        case "structure" if isinstance(value, dict):
            members = shape.members
            return {
                name: _as_given(inner, members[name]) if name in members else inner
                for name, inner in value.items()
            }
        case "list" if isinstance(value, list):
            return [_as_given(inner, shape.member) for inner in value]
        case "blob":
            return base64.b64decode(value, validate=True)
        case _:
            return value
