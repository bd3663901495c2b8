"""What it costs to say one dialect in another: toolgate beside SDKs that do the same work, over the same upstream.

`python -m bench.translation` measures each pair of a client's dialect and a provider's, whole and streamed. The
peers are programs that call the same mock provider with a vendor's SDK, or with LiteLLM's.
"""
