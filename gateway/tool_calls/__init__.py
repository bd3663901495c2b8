"""The one way to run a tool: resolve, parse, validate, decide, execute, shape, audit.

Above: the tool loop and the HTTP surface for tools. Below: the hub, a compiled policy, the audit trail.
Whatever is checked is checked here, on the arguments that are sent. Refuses to know: models, HTTP, wire formats.
"""

from gateway.tool_calls.arguments import InvalidArguments, parse_object
from gateway.tool_calls.outcome import OutcomeKind, ToolOutcome, Verdict
from gateway.tool_calls.pipeline import ToolCaller
from gateway.tool_calls.ports import AuditTrail, Decision, OwnTool, ToolPolicy, ToolServers
from gateway.tool_calls.request import CallContext, OfferKind, OfferRequest, Surface, ToolCallRequest, offer_name

__all__ = [
    "AuditTrail",
    "CallContext",
    "Decision",
    "InvalidArguments",
    "OfferKind",
    "OfferRequest",
    "OutcomeKind",
    "OwnTool",
    "Surface",
    "ToolCallRequest",
    "ToolCaller",
    "ToolOutcome",
    "ToolPolicy",
    "ToolServers",
    "Verdict",
    "offer_name",
    "parse_object",
]
