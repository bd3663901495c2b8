"""The audit trail: one record for each run, each tool call and each tool that changes.

Above: the pipeline for tool calls and the API write to it. Below: the store, and a file of JSON lines. Refuses
to know: what is in arguments, results and messages.
"""

from gateway.audit.events import AuditEvent, RunRecord, ToolCallRecord, ToolChangeRecord, now
from gateway.audit.queries import AuditRecords
from gateway.audit.records import to_json
from gateway.audit.trail import AuditTrail, open_trail

__all__ = [
    "AuditEvent",
    "AuditRecords",
    "AuditTrail",
    "RunRecord",
    "ToolCallRecord",
    "ToolChangeRecord",
    "now",
    "open_trail",
    "to_json",
]
