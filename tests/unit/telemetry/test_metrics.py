from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from gateway.conversation import Usage
from gateway.telemetry import Metrics


def samples(metrics: Metrics, states: dict[str, str] | None = None) -> dict[tuple[str, tuple[str, ...]], float]:
    text = metrics.exposition(states or {}, ("ready", "down")).decode()
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_happens_is_counted_under_bounded_labels():
    metrics = Metrics()
    metrics.request("/v1/tools/{name}", 200, 0.2)
    metrics.request("/v1/tools/{name}", 200, 0.4)
    metrics.tool_call("loop", "files", "allow", "ok", 0.1)
    metrics.tokens(Usage(10, 20, 5, 0, 7))
    metrics.run(3)
    metrics.audit_write_failed(4)
    found = samples(metrics)
    assert found["toolgate_requests_total", ("/v1/tools/{name}", "200")] == 2
    assert found["toolgate_request_duration_seconds_sum", ("/v1/tools/{name}",)] == 0.2 + 0.4
    assert found["toolgate_tool_calls_total", ("ok", "files", "loop", "allow")] == 1
    assert [
        found["toolgate_tokens_total", (kind,)] for kind in ("input", "output", "cached_input", "reasoning")
    ] == [
        10,
        20,
        5,
        7,
    ]
    assert found["toolgate_rounds_sum", ()] == 3
    assert found["toolgate_audit_write_failures_total", ()] == 4


def test_each_server_is_in_one_state_and_those_that_are_gone_are_in_none():
    metrics = Metrics()
    assert samples(metrics, {"files": "ready"})["toolgate_tool_servers", ("files", "ready")] == 1
    found = samples(metrics, {"git": "down"})
    states = {labels: value for (name, labels), value in found.items() if name == "toolgate_tool_servers"}
    assert states == {("git", "ready"): 0, ("git", "down"): 1}


def test_two_gateways_in_one_process_do_not_share_their_metrics():
    one, other = Metrics(), Metrics()
    one.run(2)
    assert samples(other)["toolgate_rounds_count", ()] == 0
