"""The servers that are compared: toolgate, and what else could stand in its place.

Each module says how one is configured and started. nginx is the limit of what a proxy can do; LiteLLM is what most
people run; the naive proxy is what most people write.
"""

from __future__ import annotations

from bench.peers import litellm, naive, nginx, toolgate
from bench.servers import Peer

PEERS: tuple[Peer, ...] = (nginx.PEER, toolgate.PEER, naive.PEER, litellm.PEER)
