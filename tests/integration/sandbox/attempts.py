"""Runs inside a box: tries what a hostile server would, and prints how each attempt went as one JSON object."""

# Written as an attacker would, close to the system.
# ruff: noqa: PTH108, PTH110, PTH123, PTH208, PTH211, RUF005, SIM115

import ctypes
import errno
import json
import os
import socket
import sys

libc = ctypes.CDLL(None, use_errno=True)


def outcome(attempt):
    try:
        said = attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    return "done" if said is None else said


def system_call(number, *arguments):
    def attempt():
        if libc.syscall(ctypes.c_long(number), *(ctypes.c_long(each) for each in arguments)) == -1:
            raise OSError(ctypes.get_errno(), "refused")

    return attempt


def write_to(path):
    def attempt():
        with open(path, "ab") as file:
            file.write(b"x")

    return attempt


def read(path, most=20):
    def attempt():
        with open(path, "rb") as file:
            return file.read(most).decode("latin-1")

    return attempt


def fill(path):
    """How many MiB fit."""

    def attempt():
        written = 0
        try:
            with open(path, "wb") as file:
                while written < 200:
                    file.write(bytes(1 << 20))
                    file.flush()
                    written += 1
        except OSError:
            pass
        os.unlink(path)
        return written

    return attempt


def create_files(folder, most=10_000):
    made = 0
    try:
        while made < most:
            open(f"{folder}/{made}", "w").close()
            made += 1
    except OSError:
        pass
    for number in range(made):
        os.unlink(f"{folder}/{number}")
    return made


def connect(address):
    def attempt():
        with socket.create_connection(address, timeout=3):
            pass

    return attempt


def open_socket(family, kind, protocol=0):
    return lambda: socket.socket(family, kind, protocol).close()


def signal_outsider():
    os.kill(int(sys.argv[2]), 0)


def fork_many():
    children = []
    try:
        while len(children) < 500:
            child = os.fork()
            if child == 0:
                os.read(0, 1)  # until the box ends
                os._exit(0)
            children.append(child)
    except OSError:
        pass
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)
    return len(children)


def status(field):
    with open("/proc/self/status") as file:
        return next(line.split()[1] for line in file if line.startswith(field + ":"))


def main():
    marker = sys.argv[1]
    os.symlink(marker, "/tmp/link")
    with open("/workspace/kept", "w") as file:
        file.write("mine")
    attempts = {
        "user": lambda: [os.getuid(), os.getgid(), os.getgroups()],
        "become root": lambda: os.setuid(0),
        "capabilities": lambda: status("CapEff"),
        "no new privileges": lambda: status("NoNewPrivs"),
        "system call filter": lambda: status("Seccomp"),
        "write /": write_to("/x"),
        "write /usr": write_to("/usr/x"),
        "write /etc/passwd": write_to("/etc/passwd"),
        "write the interpreter": write_to("/proc/self/exe"),
        "write /dev": write_to("/dev/x"),
        "write /run": write_to("/run/x"),
        "write /tmp": write_to("/tmp/x"),
        "write what is mounted read-only": write_to("/data/x"),
        "read what is mounted read-only": read("/data/note"),
        "MiB in /tmp": fill("/tmp/big"),
        "MiB in /dev/shm": fill("/dev/shm/big"),
        "MiB in one file of the workspace": fill("/workspace/big"),
        "files in /tmp": lambda: create_files("/tmp"),
        "read a file of the host": read(marker),
        "read it through a link": read("/tmp/link"),
        "read /etc/shadow": read("/etc/shadow"),
        "list /": lambda: sorted(os.listdir("/")),
        "environment": lambda: sorted(os.environ),
        "gateway's secret in /proc": lambda: sorted(
            pid
            for pid in os.listdir("/proc")
            if pid.isdigit() and "hush" in (outcome(read(f"/proc/{pid}/environ", 1 << 20)) or "")
        ),
        "processes": lambda: len([pid for pid in os.listdir("/proc") if pid.isdigit()]),
        "signal a process outside": signal_outsider,
        "open files": lambda: (
            sorted(int(each) for each in os.listdir("/proc/self/fd"))[:3] + [len(os.listdir("/proc/self/fd"))]
        ),
        "kernel symbols": read("/proc/kallsyms"),
        "kernel config": read("/proc/config.gz"),
        "kernel log": read("/proc/kmsg"),
        "core pattern": lambda: os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY)),
        "sysrq": lambda: os.close(os.open("/proc/sysrq-trigger", os.O_WRONLY)),
        "engine's socket": lambda: [
            path for path in ("/var/run/docker.sock", "/run/docker.sock") if os.path.exists(path)
        ],
        "network cards": lambda: sorted(
            line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line
        ),
        "connect to the host": connect(("127.0.0.1", int(sys.argv[3]))),
        "connect to the internet": connect(("203.0.113.1", 80)),
        "resolve a name": lambda: socket.getaddrinfo("example.invalid", 80) and None,
        "netlink socket": open_socket(16, socket.SOCK_RAW),
        "packet socket": open_socket(17, socket.SOCK_RAW),
        "vsock socket": open_socket(40, socket.SOCK_STREAM),
        "raw socket": open_socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
        "unix socket": open_socket(socket.AF_UNIX, socket.SOCK_STREAM),
        "limit on core files": lambda: __import__("resource").getrlimit(4)[1],
        "limit on open files": lambda: __import__("resource").getrlimit(7)[1],
        "processes that can be started": fork_many,
    }
    if os.uname().machine == "x86_64":
        attempts |= {
            "ptrace": system_call(101, 16, 1, 0, 0),
            "mount": system_call(165, 0, 0, 0, 0, 0),
            "unshare a user namespace": system_call(272, 0x10000000),
            "clone into a user namespace": system_call(56, 0x10000011, 0, 0, 0, 0),
            "clone3": system_call(435, 0, 0),
            "io_uring": system_call(425, 1, 0),
            "bpf": system_call(321, 0, 0, 0),
            "keyctl": system_call(250, 0, -3, 0),
            "perf events": system_call(298, 0, 0, -1, -1, 0),
            "userfaultfd": system_call(323, 0),
            "a call newer than our list": system_call(467, 0),
        }
    print(json.dumps({name: outcome(attempt) for name, attempt in attempts.items()}))


main()
