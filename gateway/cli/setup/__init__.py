"""What `toolgate init` finds on a machine, and the files that it writes.

Above: the command, which asks the person. Below: one module for what there is (`machine`, `clients`), for servers
taken over from clients (`adopting`), for the texts (`texts`, `env_file`) and for writing them (`writing`).
"""
