"""What the gateway tells of itself to operators: metrics and logs, and text made safe to read."""

from gateway.telemetry.metrics import Metrics

__all__ = ["Metrics"]
