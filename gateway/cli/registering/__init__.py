"""Servers become lines of the operator's file: from other products' files, or from the catalogue.

Above: `toolgate config import` and `toolgate servers add`. Below: `gateway.config.importers` finds the servers,
`gateway.config.editing` changes the file. Refuses to know: what a server is.
"""
