"""Google's Gemini: `generateContent` and `streamGenerateContent`, of the Gemini API and of Vertex AI.

Every part of a message may carry a proof of the thought behind it (`thoughtSignature`), which is good in the place
of that part alone: it stays with the part, byte for byte. Names of fields come in camelCase and in snake_case,
also from Google's own programs; both are read, and what is written anew is camelCase.
"""

from gateway.dialects.gemini.dialect import GEMINI, Gemini

__all__ = ["GEMINI", "Gemini"]
