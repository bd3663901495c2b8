"""The compiled filter is run by a small interpreter and compared with what the list says."""

from __future__ import annotations

import errno
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.seccomp import AARCH64, X86_64, Architecture, architecture_of, compile_filter, docker_profile
from sandbox.seccomp.allowed import ABSENT, ALWAYS, CONDITIONS
from sandbox.seccomp.numbers import NEWEST

ALLOW, KILL = "allow", "kill"
ARCHITECTURES = [X86_64, AARCH64]
WORD = 0xFFFFFFFF
QUADWORD = 0xFFFFFFFFFFFFFFFF


def run(program: bytes, number: int, arguments: tuple[int, ...], token: int) -> str:
    """What the kernel would do with a call: run classic BPF over struct seccomp_data."""
    data = struct.pack("=IIQ6Q", number, token, 0, *arguments)
    instructions = list(struct.iter_unpack("=HBBI", program))
    accumulator = position = 0
    while True:
        operation, if_true, if_false, operand = instructions[position]
        position += 1
        if operation == 0x20:
            [accumulator] = struct.unpack_from("=I", data, operand)
        elif operation == 0x54:
            accumulator &= operand
        elif operation == 0x06:
            return verdict(operand)
        else:
            holds = {
                0x15: accumulator == operand,
                0x25: accumulator > operand,
                0x35: accumulator >= operand,
            }[operation]
            position += if_true if holds else if_false


def verdict(action: int) -> str:
    kind = action & 0xFFFF0000
    return {0x7FFF0000: ALLOW, 0x80000000: KILL}.get(kind) or errno.errorcode[action & 0xFFFF]


def meant(architecture: Architecture, number: int, arguments: tuple[int, ...]) -> str:
    """What the list says, read the slow way."""
    names = {value: name for name, value in architecture.numbers.items()}
    name = names.get(number)
    if architecture is X86_64 and number >= 0x40000000:
        return KILL
    if name in ABSENT or number > NEWEST:
        return "ENOSYS"
    conditions = [each for each in CONDITIONS if each.call == name]
    if name in ALWAYS or any(arguments[each.index] & each.mask == each.value for each in conditions):
        return ALLOW
    return "EPERM"


interesting = st.sampled_from(sorted({each.value for each in CONDITIONS} | {each.mask for each in CONDITIONS}))
values = st.one_of(interesting, st.integers(0, 20), st.integers(0, QUADWORD))
numbers = st.one_of(
    st.sampled_from(sorted({*X86_64.numbers.values(), *AARCH64.numbers.values()})),
    st.integers(0, NEWEST + 20),
    st.integers(0, WORD),
)


@given(st.sampled_from(ARCHITECTURES), numbers, st.tuples(*[values] * 6))
def test_the_filter_decides_as_the_list_says(architecture, number, arguments):
    program = compile_filter(architecture)
    assert run(program, number, arguments, architecture.token) == meant(architecture, number, arguments)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_number_is_decided_as_the_list_says(architecture):
    program = compile_filter(architecture)
    for number in range(NEWEST + 3):
        arguments = (0,) * 6
        decided = run(program, number, arguments, architecture.token)
        assert decided == meant(architecture, number, arguments), number


@given(numbers, st.integers(0, WORD).filter(lambda token: token != X86_64.token))
def test_the_entry_points_of_another_architecture_kill(number, token):
    assert run(compile_filter(X86_64), number, (0,) * 6, token) == KILL


@pytest.mark.parametrize(
    ("call", "first", "decided"),
    [
        ("socket", 1, ALLOW),
        ("socket", 2, ALLOW),
        ("socket", 10, ALLOW),
        ("socket", 16, "EPERM"),  # netlink
        ("socket", 17, "EPERM"),  # packet
        ("socket", 38, "EPERM"),  # the kernel's ciphers
        ("socket", 40, "EPERM"),  # vsock: in a virtual machine a way to its host
        ("clone", 0x003D0F00, ALLOW),  # a thread, as glibc makes it
        ("clone", 0x01200011, ALLOW),  # a process, as glibc makes it
        ("clone", 0x10000011, "EPERM"),  # a new user namespace
        ("clone", 0x00020011, "EPERM"),  # a new mount namespace
        ("clone3", 0, "ENOSYS"),
        ("personality", 0xFFFFFFFF, ALLOW),
        ("personality", 0x00040000, "EPERM"),  # no address randomisation
    ],
)
def test_arguments_matter_where_a_call_is_two_edged(call, first, decided):
    program = compile_filter(X86_64)
    assert run(program, X86_64.numbers[call], (first, 0, 0, 0, 0, 0), X86_64.token) == decided


# Numbers of the x86-64 table which are not in ours, because nothing of ours allows them.
DANGEROUS = {
    "ptrace": 101,
    "mount": 165,
    "umount2": 166,
    "pivot_root": 155,
    "chroot": 161,
    "unshare": 272,
    "setns": 308,
    "init_module": 175,
    "finit_module": 313,
    "kexec_load": 246,
    "bpf": 321,
    "perf_event_open": 298,
    "userfaultfd": 323,
    "keyctl": 250,
    "process_vm_readv": 310,
    "open_by_handle_at": 304,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "mount_setattr": 442,
    "reboot": 169,
    "clock_settime": 227,
    "quotactl": 179,
    "syslog": 103,
}


@pytest.mark.parametrize("name", DANGEROUS)
def test_what_could_undo_the_box_is_refused(name):
    assert run(compile_filter(X86_64), DANGEROUS[name], (0,) * 6, X86_64.token) == "EPERM"


def test_no_name_is_listed_twice_and_every_one_has_a_number():
    listed = [*ALWAYS, *ABSENT, *dict.fromkeys(each.call for each in CONDITIONS)]
    assert len(set(listed)) == len(listed)
    assert set(listed) == set(X86_64.numbers)
    assert set(AARCH64.numbers) < set(X86_64.numbers)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_number_has_two_names(architecture):
    assert len(set(architecture.numbers.values())) == len(architecture.numbers)


def test_the_profile_for_docker_says_the_same():
    profile = json.loads(docker_profile(X86_64))
    assert (profile["defaultAction"], profile["defaultErrnoRet"]) == ("SCMP_ACT_ERRNO", errno.EPERM)
    assert profile["architectures"] == ["SCMP_ARCH_X86_64"]
    always, *conditional, absent = profile["syscalls"]
    assert always == {"names": list(ALWAYS), "action": "SCMP_ACT_ALLOW"}
    assert absent == {"names": list(ABSENT), "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS}
    said = {
        (rule["names"][0], arg["index"], arg["value"], arg["valueTwo"], arg["op"])
        for rule in conditional
        for arg in rule["args"]
    }
    assert said == {(each.call, each.index, each.mask, each.value, "SCMP_CMP_MASKED_EQ") for each in CONDITIONS}


@pytest.mark.parametrize(
    ("machine", "architecture"),
    [("x86_64", X86_64), ("amd64", X86_64), ("aarch64", AARCH64), ("arm64", AARCH64), ("riscv64", None)],
)
def test_an_architecture_goes_by_the_names_of_the_kernel_and_of_docker(machine, architecture):
    assert architecture_of(machine) is architecture
