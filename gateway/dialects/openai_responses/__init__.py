"""OpenAI's Responses.

A conversation is one list of items here: what was said, calls, results, thoughts, and much that only OpenAI knows.
Those of one turn of the model's are put together to one message; what is read from this format and written in it
again is the same JSON.
"""

from gateway.dialects.openai_responses.dialect import OPENAI_RESPONSES, OpenAIResponses

__all__ = ["OPENAI_RESPONSES", "OpenAIResponses"]
