"""The audit trail: one record for each run and for each tool call.

Above: the pipeline for tool calls and the API write to it. Below: the store, and a file of JSON lines. Refuses
to know: what is in arguments, results and messages.
"""

from gateway.audit.events import AuditEvent, RunRecord, ToolCallRecord, now
from gateway.audit.queries import AuditRecords
from gateway.audit.records import to_json
from gateway.audit.trail import AuditTrail, open_trail

__all__ = [
    "AuditEvent",
    "AuditRecords",
    "AuditTrail",
    "RunRecord",
    "ToolCallRecord",
    "now",
    "open_trail",
    "to_json",
]
