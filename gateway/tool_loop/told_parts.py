"""What a client has been told of a run: the parts of one answer, the same whether it is whole or was streamed.

Above: the driver, for an answer that is whole or told again, and the memory, which knows a turn by it. Beside:
`stream_filter`, which tells the same piece by piece. Below: the conversation vocabulary. Refuses to know: wire
formats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gateway.conversation import Message, Part, Reasoning, Text, ToolCall, UnknownPart
from gateway.tool_loop.actions import ROUND_SEPARATOR, Finish
from gateway.tool_loop.shown_calls import ShownTools


@dataclass(frozen=True, slots=True)
class Told:
    """The parts; and whether words that follow are to be set apart from them."""

    parts: tuple[Part, ...]
    separator_due: bool


@dataclass(frozen=True, slots=True)
class Telling:
    """How a run is told.

    What dialects other than the client's `dialect` alone know is not. `shown` are the tools whose calls are shown.
    `round_break` stands between two rounds, in a dialect that has more for that than a blank line. With
    `holds_words` only the last round's words leave.
    """

    dialect: str = ""
    shown: ShownTools = field(default_factory=ShownTools)
    round_break: UnknownPart | None = None
    holds_words: bool = False

    def told(self, transcript: Sequence[Message], client_calls: Sequence[ToolCall], finish: Finish | None) -> Told:
        """What has been told by the time that `transcript` is all that a run has added, `client_calls` among it;
        with its end, of all.
        """
        told = _Growing(self, client_calls)
        last = None if finish is None else finish.last.message
        for place, message in enumerate(transcript):
            if message.role == "assistant":
                told.add(message, is_end=message is last)
                told.parts += self.shown.answered(transcript, place)
        if last is not None and all(message is not last for message in transcript):
            told.add(last, is_end=True)
        return Told(tuple(told.parts), told.separator_due)

    def separates(self, message: Message) -> bool:
        """Whether words that follow this round's are set apart from them: calls that are shown do so, too."""
        return self.round_break is not None or all(
            call.name not in self.shown.tools for call in message.tool_calls
        )


@dataclass(slots=True)
class _Growing:
    telling: Telling
    client_calls: Sequence[ToolCall]
    parts: list[Part] = field(default_factory=list[Part])
    separator_due: bool = False
    _rounds: int = 0

    def add(self, message: Message, *, is_end: bool) -> None:
        """A round; one in which the client is called was the last, whether the run has come to its end or not."""
        if self._rounds and self.telling.round_break is not None:
            self._separate()
            self.parts.append(self.telling.round_break)
        self._rounds += 1
        held: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolCall):
                if part in self.client_calls:
                    self.parts.append(part)
                    is_end = True
            elif isinstance(part, Reasoning):
                self._think(part)
            elif self.telling.holds_words:
                held.append(part)
            else:
                self._say(part)
        if is_end:
            for part in held:  # a stream knows at its end only that there is no other round
                self._say(part)
        has_said = bool(message.text) and not self.telling.holds_words
        self.separator_due = (self.separator_due or has_said) and self.telling.separates(message)

    def _say(self, part: Part) -> None:
        if isinstance(part, Text):
            if part.text:
                self._separate()
                self._append_text(part)
        elif not isinstance(part, UnknownPart) or part.dialect == self.telling.dialect:
            self.parts.append(part)

    def _separate(self) -> None:
        due, self.separator_due = self.separator_due, False
        if due:
            self._append_text(Text(ROUND_SEPARATOR))

    def _append_text(self, part: Text) -> None:
        """Pieces of text are one part, as in a stream."""
        last = self.parts[-1] if self.parts else None
        if isinstance(last, Text) and last.source is None and part.source is None:
            self.parts[-1] = Text(last.text + part.text)
        else:
            self.parts.append(part)

    def _think(self, part: Reasoning) -> None:
        """Proofs hold behind what the model had seen by then, of which the client will know only the beginning."""
        if self._rounds > 1:
            part = replace(part, signature=None)
        if not part.text and part.signature is None:
            return
        last = self.parts[-1] if self.parts else None
        if isinstance(last, Reasoning) and last.signature is None and last.name == part.name:
            self.parts[-1] = replace(part, text=last.text + part.text)
        else:
            self.parts.append(part)
