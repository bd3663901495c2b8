"""The hubs, one module each: how it is started and asked."""
