"""How well a search finds the tool that is meant, among those of real servers."""
