from __future__ import annotations

from pathlib import Path

from sandbox.docker.profile import container_body
from sandbox.spec import BoxSpec, Limits, Mount, Root

PYTHON = Root("python", folder=Path("/cache/roots/python"))
IMAGE = Root("image", image="mine:1")
MIB = 1024 * 1024


def body(root=PYTHON, *, argv=("/usr/bin/python3",), volumes=(), **options):
    spec = BoxSpec("s", argv, root, labels={"toolgate.server": "s"}, **options)
    return container_body(
        spec, image="i:1", seccomp='{"a":1}', user=(65534, 65534), labels={"owner": "us"}, volumes=volumes
    )


def test_what_confines_a_box():
    limits = Limits(memory_bytes=256 * MIB, cpus=0.5, processes=64, disk_bytes=32 * MIB)
    made = body(limits=limits)
    host = made["HostConfig"]
    assert made["User"] == "65534:65534"
    assert (host["NetworkMode"], made["NetworkDisabled"]) == ("none", True)
    assert host["ReadonlyRootfs"] is True
    assert host["Privileged"] is False
    assert host["CapDrop"] == ["ALL"]
    assert "CapAdd" not in host
    assert host["SecurityOpt"] == ["no-new-privileges", 'seccomp={"a":1}']
    assert host["IpcMode"] == "private"
    assert host["Memory"] == host["MemorySwap"] == 256 * MIB
    assert host["NanoCpus"] == 500_000_000
    assert host["PidsLimit"] == 64
    assert host["ShmSize"] == MIB
    assert {each["Name"]: each["Hard"] for each in host["Ulimits"]} == {
        "nofile": 1024,
        "core": 0,
        "fsize": 32 * MIB,
    }
    assert host["Tmpfs"] == {
        "/tmp": "rw,noexec,nosuid,nodev,size=33554432,nr_inodes=4096,mode=1777,uid=65534,gid=65534"
    }
    assert {"/proc/kallsyms", "/proc/keys", "/sys/firmware"} <= set(host["MaskedPaths"])
    assert host["LogConfig"]["Type"] == "none"
    assert host["Init"] is True
    assert host["RestartPolicy"] == {"Name": "no"}


def test_the_input_closes_with_us():
    made = body()
    assert made["StdinOnce"] is made["OpenStdin"] is made["AttachStdin"] is True
    assert made["Tty"] is False


def test_the_network_is_there_only_when_it_is_asked_for():
    made = body(network="open")
    assert (made["HostConfig"]["NetworkMode"], made["NetworkDisabled"]) == ("bridge", False)


def test_mounts_are_read_only_unless_said_otherwise():
    mounts = (Mount(Path("/a"), "/data"), Mount(Path("/b"), "/workspace", writable=True))
    found = [
        (each["Source"], each["Target"], each["ReadOnly"]) for each in body(mounts=mounts)["HostConfig"]["Mounts"]
    ]
    assert found == [("/a", "/data", True), ("/b", "/workspace", False)]


def test_the_servers_own_variables_win_over_ours():
    environment = body(env={"LANG": "de_DE.UTF-8", "TOKEN": "x"})["Env"]
    assert {"LANG=de_DE.UTF-8", "TOKEN=x", "HOME=/tmp"} <= set(environment)
    assert not any(each.startswith("PYTHONUNBUFFERED=") for each in environment)


def test_an_image_keeps_its_own_command_folder_and_path():
    made = body(IMAGE, argv=())
    assert "Cmd" not in made
    assert "WorkingDir" not in made
    assert made["Env"] == ["HOME=/tmp"]
    asked = body(IMAGE, argv=("a", "b"), cwd="/app")
    assert (asked["Cmd"], asked["WorkingDir"]) == (["a", "b"], "/app")


def test_a_volume_of_an_image_becomes_a_bounded_tmpfs_unless_something_is_mounted_there():
    mounts = (Mount(Path("/a"), "/data"),)
    tmpfs = body(IMAGE, volumes=("/data", "/var/lib/db"), mounts=mounts)["HostConfig"]["Tmpfs"]
    assert set(tmpfs) == {"/tmp", "/var/lib/db"}


def test_labels_of_the_spec_and_of_the_owner_are_both_there():
    assert body()["Labels"] == {"toolgate.server": "s", "owner": "us"}
