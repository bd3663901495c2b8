"""An empty folder to run commands in, and a model for them."""

from tests.support.shells import scripted_url, shell

__all__ = ["scripted_url", "shell"]
