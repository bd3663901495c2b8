"""MCP servers as other products' files have them, in our own form: one module for each of these formats.

    text ─ tree with lines ─ reader ─ Gathering ─ names, secrets, a trial ─ Imported

Above: `toolgate config import` and the catalogue. Below: the loader's own steps judge the result, so that nothing
is said to be imported that would not load. Refuses to know: where the result is written.
"""

from gateway.config.importers.finishing import placeholders
from gateway.config.importers.imported import Format, Imported, ImportedServer, LeftOut, Note, Variable
from gateway.config.importers.reading import FORMATS, import_servers, read_file

__all__ = [
    "FORMATS",
    "Format",
    "Imported",
    "ImportedServer",
    "LeftOut",
    "Note",
    "Variable",
    "import_servers",
    "placeholders",
    "read_file",
]
