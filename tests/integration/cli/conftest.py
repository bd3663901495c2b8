"""An empty folder to run commands in, and a model for them."""

from tests.support.shells import configured, scripted_url, shell

__all__ = ["configured", "scripted_url", "shell"]
