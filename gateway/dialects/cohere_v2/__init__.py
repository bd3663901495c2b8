"""Cohere's chat API, version 2: OpenAI's messages in outline, with plans before calls, citations and documents."""

from gateway.dialects.cohere_v2.dialect import COHERE_V2, CohereV2

__all__ = ["COHERE_V2", "CohereV2"]
