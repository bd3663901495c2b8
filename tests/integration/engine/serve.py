"""llama.cpp's server in a process of its own: writes where it listens, and goes when its input ends.

python serve.py MODEL.gguf CONTEXT
"""

from __future__ import annotations

import sys

import xllamacpp


def main() -> None:
    model, context = sys.argv[1:]
    wanted = xllamacpp.CommonParams()
    wanted.model.path = model
    wanted.n_ctx = int(context)
    wanted.n_parallel = 1
    wanted.n_predict = -1
    wanted.port = 0
    wanted.endpoint_metrics = True
    wanted.cpuparams.n_threads = 1
    wanted.sampling.temp = 0
    server = xllamacpp.Server(wanted)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
