"""The tool loop's way into the pipeline for tool calls: one run's caller and policy, bound together."""

from __future__ import annotations

from collections.abc import Callable

from gateway.api.services import Services
from gateway.auth import Principal
from gateway.conversation import ToolCall
from gateway.exposure import Exposure
from gateway.hub import ToolProgress
from gateway.tool_calls import CallContext, ToolCallRequest, ToolOutcome
from gateway.tool_loop import ToolBudget
from tool_policies import Policy


class RunTools:
    """Runs the tool calls of one run; see `gateway.tool_loop.ToolRunner`."""

    def __init__(self, services: Services, principal: Principal, run_id: str, exposure: Exposure[Policy]) -> None:
        self._caller = services.tool_caller
        self._principal = principal
        self._run_id = run_id
        self._policy = exposure.policy
        selection = exposure.selection
        self._own_tools = {} if selection is None else {selection.search.tool.wire_name: selection.search}

    async def run(
        self,
        call: ToolCall,
        budget: ToolBudget,
        on_progress: Callable[[float, float | None, str | None], None],
    ) -> ToolOutcome:
        """Take one call of the model's through the pipeline."""

        def report(progress: ToolProgress) -> None:
            on_progress(progress.progress, progress.total, progress.message)

        context = CallContext(
            key_id=self._principal.key_id,
            run_id=self._run_id,
            policy=self._policy,
            timeout_seconds=budget.timeout_seconds,
            result_bytes=budget.result_bytes,
            on_progress=report,
            round=budget.round,
            user=self._principal.user,
            own_tools=self._own_tools,
        )
        return await self._caller.call(ToolCallRequest(call.id, call.name, call.arguments), context)
