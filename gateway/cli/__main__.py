"""`python -m gateway.cli`: the `toolgate` command where it is not on the path."""

from gateway.cli import main

main()
