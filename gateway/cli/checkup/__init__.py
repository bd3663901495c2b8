"""What `toolgate doctor` looks at, one module for each kind of thing. Each gives findings as soon as it has them.

Above: the command, which shows them. Refuses to know: how they are shown.
"""
