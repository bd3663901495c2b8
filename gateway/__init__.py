"""toolgate: one endpoint that agents call, with tools already attached."""

__version__ = "0.1.0"
