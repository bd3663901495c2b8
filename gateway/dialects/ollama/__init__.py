"""Ollama's own chat API, which says more than its imitation of OpenAI's: the size of the context, how long a model
stays loaded, whether it thinks.

Streams are lines of JSON, arguments of calls are objects, calls need have no ids, and images are bare base64.
"""

from gateway.dialects.ollama.dialect import OLLAMA, Ollama

__all__ = ["OLLAMA", "Ollama"]
