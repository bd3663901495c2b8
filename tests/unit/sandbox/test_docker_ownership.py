from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from sandbox.docker.ownership import CREATED, OWNER, Owner, _start_of, is_orphan, owner_labels, this_process

HOUR = 3600


@pytest.fixture
def us():
    return this_process()


def test_our_own_box_is_no_orphan_in_whatever_state(us):
    for state in ("created", "running", "exited", "dead"):
        assert not is_orphan(owner_labels(us, now=0), state, us=us, now=10 * HOUR)


def test_the_box_of_another_living_process_is_no_orphan(us):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        owner = replace(us, pid=other.pid, start=_start_of(other.pid))
        assert not is_orphan(owner_labels(owner), "running", us=us)
        other.communicate(b"\n")
    assert is_orphan(owner_labels(owner), "running", us=us)


def test_a_number_that_was_used_again_does_not_keep_a_box(us):
    assert is_orphan(owner_labels(replace(us, start="1")), "running", us=us)


def test_a_process_that_nobody_has_waited_for_is_dead(us):
    dead = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = replace(us, pid=dead.pid, start=_start_of(dead.pid))
    dead.stdin.close()
    os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)
    assert is_orphan(owner_labels(owner), "running", us=us)
    dead.wait()


@pytest.mark.parametrize("elsewhere", [{"boot": "another"}, {"namespace": "pid:[1]"}])
@pytest.mark.parametrize(
    ("state", "hours", "orphan"),
    [("running", 100, False), ("exited", 100, True), ("exited", 0, False), ("created", 0, False)],
)
def test_of_an_owner_that_cannot_be_looked_up_only_old_remains_go(us, elsewhere, state, hours, orphan):
    labels = owner_labels(replace(us, **elsewhere), now=0)
    assert is_orphan(labels, state, us=us, now=hours * HOUR) == orphan


@pytest.mark.parametrize("said", ["", "{}", "[]", "no json", json.dumps({"boot": 1, "pid": "x"})])
def test_an_unreadable_owner_is_given_the_benefit_of_the_doubt(us, said):
    assert not is_orphan({OWNER: said, CREATED: "0"}, "running", us=us)
    assert not is_orphan({OWNER: said, CREATED: "soon"}, "exited", us=us)


def test_labels_hold_what_is_needed_to_find_the_owner(us):
    labels = owner_labels(us, now=12.7)
    assert Owner(**json.loads(labels[OWNER])) == us
    assert labels[CREATED] == "12"
    assert asdict(us)["pid"] == os.getpid()
