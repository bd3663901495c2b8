"""What a client's own files must say so that it uses this gateway: for its tools, and for its models.

Above: `toolgate connect`. Below: what each client wants (`clients`), and how it is put into files that people and
clients have written already (`merging`). No key is ever written: files name the variable that holds it.
"""
