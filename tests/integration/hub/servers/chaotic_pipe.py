"""Stands between the hub and a stdio server, and spoils what it writes, as a seed says. Standard library only.

python chaotic_pipe.py SEED FILE COMMAND ARGUMENT...

FILE names the faults to choose from, separated by spaces; while it is empty everything passes as it is.
"""

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

seed, file, *command = sys.argv[1:]
dice = random.Random(int(seed))
server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

NOISE = (
    b"Listening on stdio...",
    b"{not json",
    b"\xf0\x9f\x92",  # a character that is cut off
    b"[1, null, {}]",
    b"null",
    b'{"jsonrpc":"2.0"}',
    b'{"jsonrpc":"2.0","method":7}',
    b'{"jsonrpc":"2.0","method":"notifications/message","params":["oops"]}',
    b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":{},"progress":"x"}}',
    b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99999}}',
    b'{"jsonrpc":"2.0","id":"s1","method":"ping"}',
    b'{"jsonrpc":"2.0","id":"s2","method":"sampling/createMessage","params":{}}',
)
STRANGERS = (b"99999", b'"99999"', b"-1", b"null", b"1.5", b"true", b'"x"', b"[]", b"{}")


def write(data):
    while data:
        data = data[os.write(1, data) :]


def twice(line):
    write(line + line)


def stranger(line):
    """An answer to something that nobody has asked, and the right one."""
    write(b'{"jsonrpc":"2.0","id":%b,"result":{"content":[]}}\n' % dice.choice(STRANGERS))
    write(line)


def noise(line):
    write(dice.choice(NOISE) + b"\n" + line + dice.choice(NOISE) + b"\n")


def late(line):
    time.sleep(dice.random() * 0.02)
    write(line)


def pieces(line):
    while line:
        size = dice.choice((1, 2, 3, 7, 100))
        write(line[:size])
        line = line[size:]


def loud(line):
    for _ in range(20):
        os.write(2, b"x" * 5000 + b"\n" + b"complaint\n" * 500)
    write(line)


def cut(line):
    """Its beginning, which the next line follows at once."""
    write(line[: dice.randrange(1, len(line) - 1)])


def broken(line):
    at = dice.randrange(1, len(line) - 1)
    write(line[:at] + b"\xff" + line[at + 1 :])


def lost(line):
    """Nothing at all."""


def huge(line):
    """A line of a hundred megabytes that begins as the answer does."""
    head, result, _ = line.partition(b'"result"')
    if not result:
        write(line)
        return
    write(head + b'"result":"')
    block = b"x" * 1024 * 1024
    for _ in range(100):
        write(block)
    write(b'"}\n')


def dead(line):
    """Its end, in the middle of a line."""
    write(line[: len(line) // 2])
    server.kill()
    os._exit(9)


def mute(line):
    """Close the output, and live on."""
    os.close(1)
    time.sleep(3600)


def deaf(line):
    """Close the input, and live on: this answer is the last."""
    os.close(0)
    write(line)
    time.sleep(3600)


def read():
    """The names of the faults to choose from now."""
    return Path(file).read_text().split()


def pass_on():
    """From the hub to the server, but for what answers our own questions."""
    rest = b""
    try:
        while data := os.read(0, 65536):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                if not line.startswith((b'{"jsonrpc":"2.0","id":"s1"', b'{"jsonrpc":"2.0","id":"s2"')):
                    server.stdin.write(line + b"\n")
            server.stdin.flush()
    except OSError:
        time.sleep(3600)  # the input is closed: the rest lives on
    server.stdin.close()


threading.Thread(target=pass_on, daemon=True).start()
for answer in server.stdout:
    names = read()
    # Half of what passes is as it should be, so that every fault has neighbours.
    fault = globals()[dice.choice(names)] if names and dice.random() < 0.5 else write
    fault(answer)
