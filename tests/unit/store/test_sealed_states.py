from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.store import SealedStates

KEY = bytes(range(32))
PLACE = b"a place"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(st.text(max_size=200))
def test_a_state_comes_back_as_it_was(state: str):
    sealed = SealedStates(KEY).seal(state, PLACE, ttl_seconds=60)
    assert SealedStates(KEY).open(sealed, PLACE) == state
    assert sealed.isascii()


def test_nothing_of_it_can_be_read():
    assert "secret" not in SealedStates(KEY).seal("secret", PLACE, ttl_seconds=60)


def test_it_opens_for_its_place_and_under_its_key_alone():
    sealed = SealedStates(KEY).seal("state", PLACE, ttl_seconds=60)
    assert SealedStates(KEY).open(sealed, b"another") is None
    assert SealedStates(bytes(32)).open(sealed, PLACE) is None


def test_it_is_good_for_a_while():
    clock = Clock()
    states = SealedStates(KEY, clock=clock)
    sealed = states.seal("state", PLACE, ttl_seconds=60)
    clock.now += 59
    assert states.open(sealed, PLACE) == "state"
    clock.now += 1
    assert states.open(sealed, PLACE) is None


@given(st.text(max_size=80))
def test_what_was_never_sealed_does_not_open(text: str):
    assert SealedStates(KEY).open(text, PLACE) is None


@given(st.integers(0, 70), st.sampled_from("AZaz09-_"))
def test_a_change_of_any_character_is_noticed(index: int, character: str):
    sealed = SealedStates(KEY).seal("some state of a server", PLACE, ttl_seconds=60)
    changed = sealed[: index % len(sealed)] + character + sealed[index % len(sealed) + 1 :]
    assert SealedStates(KEY).open(changed, PLACE) in (
        (None,) if changed != sealed else ("some state of a server",)
    )
