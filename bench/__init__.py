"""Measures what toolgate costs, beside its peers in the same run: `python -m bench`, or `make bench`.

Above: people who want to check a claim. Below: real server processes, a mock upstream and a load generator of our
own, all on loopback. Refuses to judge speed by a clock: the first figure is the CPU time of a server's process,
which holds on a busy machine; times stand beside it.
"""
