"""The HTTP surface, thin: reads a request, asks the layers below, writes the answer.

Above: `app` puts these endpoints at their paths. Below: the tool loop, the pipeline for tool calls, exposure,
routing, the callers. Refuses to know: providers, MCP, how policies decide.
"""
