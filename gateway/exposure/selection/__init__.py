"""Which of many tools a model is shown: a few at first, and those that it searches for.

Above: the exposure, and the API, which hands a run what it needs. Below: the hub's catalogue. Refuses to know:
policies (it is given what a key may see, and nothing else), rounds, wire formats.
"""

from gateway.exposure.selection.index import Found, ToolIndex
from gateway.exposure.selection.search_tool import MOST_FOUND, SEARCH, LazyIndex, SearchTool
from gateway.exposure.selection.selection import Selection

__all__ = ["MOST_FOUND", "SEARCH", "Found", "LazyIndex", "SearchTool", "Selection", "ToolIndex"]
