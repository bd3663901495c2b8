"""Payloads of one key, that no other can read, for as long as they were meant to be kept."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from gateway.errors import StoreError
from gateway.store import Database, SealedPayloads, open_database
from gateway.store import payloads as payloads_module
from gateway.store.key_file import read_or_make_key
from gateway.store.tables import payloads

KEY = bytes(range(32))


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def database(tmp_path: Path) -> AsyncGenerator[Database]:
    async with open_database(f"sqlite:///{tmp_path / 't.db'}") as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(database: Database, clock: Clock) -> SealedPayloads:
    return SealedPayloads(database, KEY, clock=clock)


async def rows(database: Database) -> int:
    return await database.read(
        lambda connection: connection.execute(select(func.count()).select_from(payloads)).scalar_one()
    )


async def test_a_payload_comes_back_to_its_key_alone(kept: SealedPayloads):
    await kept.put("agent", "f1", b"one", ttl_seconds=60)
    await kept.put("agent", "f2", b"", ttl_seconds=60)
    await kept.put("other", "f1", b"theirs", ttl_seconds=60)
    assert await kept.get("agent", ["f1", "f2", "f3"]) == {"f1": b"one", "f2": b""}
    assert await kept.get("other", ["f1", "f2"]) == {"f1": b"theirs"}
    assert await kept.get("nobody", ["f1"]) == {}
    assert await kept.get("agent", []) == {}


async def test_the_last_payload_of_a_place_counts(kept: SealedPayloads, database: Database):
    await kept.put("agent", "f1", b"one", ttl_seconds=60)
    await kept.put("agent", "f1", b"two", ttl_seconds=60)
    assert await kept.get("agent", ["f1"]) == {"f1": b"two"}
    assert await rows(database) == 1


async def test_what_is_kept_at_once_goes_to_each_its_own_place(kept: SealedPayloads, database: Database):
    async with anyio.create_task_group() as tasks:
        for number in range(40):
            kept_here = {f"f{number}": b"%d" % number, "shared": b"all of them"}
            owner = f"agent{number % 2}"
            tasks.start_soon(lambda one=owner, given=kept_here: kept.put_all(one, given, ttl_seconds=60))
    for parity in range(2):
        numbers = range(parity, 40, 2)
        own = {f"f{number}": b"%d" % number for number in numbers}
        assert await kept.get(f"agent{parity}", [*own, "shared"]) == {**own, "shared": b"all of them"}
        assert await kept.get(f"agent{1 - parity}", list(own)) == {}
    assert await rows(database) == 42


async def test_thousands_may_be_asked_for_at_once(kept: SealedPayloads):
    for number in (3, 700, 1999):
        await kept.put("agent", f"f{number}", b"%d" % number, ttl_seconds=60)
    found = await kept.get("agent", [f"f{number}" for number in range(2000)])
    assert found == {"f3": b"3", "f700": b"700", "f1999": b"1999"}


async def test_a_payload_is_gone_when_its_time_is_over(kept: SealedPayloads, clock: Clock, database: Database):
    await kept.put("agent", "f1", b"one", ttl_seconds=60)
    await kept.put("agent", "f2", b"two", ttl_seconds=600)
    clock.seconds += 59
    await kept.purge()
    assert set(await kept.get("agent", ["f1", "f2"])) == {"f1", "f2"}
    clock.seconds += 1
    assert set(await kept.get("agent", ["f1", "f2"])) == {"f2"}
    assert await rows(database) == 2
    await kept.purge()
    assert await rows(database) == 1


async def test_on_disk_nothing_of_a_payload_can_be_read(kept: SealedPayloads, tmp_path: Path):
    secret = b"the user's own words"
    await kept.put("agent", "f1", secret, ttl_seconds=60)
    files = list(tmp_path.iterdir())
    assert len(files) == 3
    assert not [file for file in files if secret in file.read_bytes()]


@pytest.mark.parametrize("place", [{"key_id": "other"}, {"fingerprint": "f2"}])
async def test_a_payload_that_was_moved_does_not_open(
    kept: SealedPayloads, database: Database, caplog: pytest.LogCaptureFixture, place: dict[str, str]
):
    await kept.put("agent", "f1", b"one", ttl_seconds=60)
    await database.write(lambda connection: connection.execute(update(payloads).values(**place)).rowcount)
    assert await kept.get(place.get("key_id", "agent"), ["f1", "f2"]) == {}
    assert "cannot be opened" in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]),
        lambda sealed: b"\x02" + sealed[1:],
        lambda _: b"",
        lambda sealed: sealed[:5],
    ],
    ids=["flipped", "another form", "empty", "cut"],
)
async def test_a_payload_that_was_changed_counts_as_absent(
    kept: SealedPayloads, database: Database, caplog: pytest.LogCaptureFixture, change
):
    await kept.put("agent", "f1", b"one", ttl_seconds=60)
    await kept.put("agent", "f2", b"two", ttl_seconds=60)

    def work(connection) -> None:
        sealed = connection.execute(select(payloads.c.sealed).where(payloads.c.fingerprint == "f1")).scalar_one()
        changed = update(payloads).where(payloads.c.fingerprint == "f1").values(sealed=change(sealed))
        connection.execute(changed)

    await database.write(work)
    assert await kept.get("agent", ["f1", "f2"]) == {"f2": b"two"}
    assert "cannot be opened" in caplog.text


async def test_under_another_key_nothing_opens(kept: SealedPayloads, database: Database):
    await kept.put("agent", "f1", b"one", ttl_seconds=60)
    assert await SealedPayloads(database, bytes(32)).get("agent", ["f1"]) == {}


async def test_those_that_would_expire_next_make_room_for_new_ones(
    database: Database, clock: Clock, caplog: pytest.LogCaptureFixture
):
    kept = SealedPayloads(database, KEY, most_bytes=1050, clock=clock)
    for number, ttl in enumerate((300, 100, 200)):
        await kept.put("agent", f"f{number}", bytes(300), ttl_seconds=ttl)
    assert await rows(database) == 3
    await kept.put("agent", "f3", bytes(300), ttl_seconds=50)
    assert set(await kept.get("agent", ["f0", "f1", "f2", "f3"])) == {"f0", "f2", "f3"}
    assert "removed early" in caplog.text


async def test_what_is_there_can_be_asked_for_without_being_opened(kept: SealedPayloads, clock: Clock):
    await kept.put("agent", "f1", b"one", ttl_seconds=60)
    await kept.put("agent", "f2", bytes(1000), ttl_seconds=10)
    sizes = await kept.find("agent", ["f1", "f2", "f3"])
    assert set(sizes) == {"f1", "f2"}
    assert 1000 < sizes["f2"] < 1100
    assert await kept.find("other", ["f1", "f2"]) == {}
    clock.seconds += 11
    assert set(await kept.find("agent", ["f1", "f2"])) == {"f1"}


async def test_several_are_kept_together_and_can_be_forgotten(kept: SealedPayloads, database: Database):
    await kept.put_all("agent", {"f1": b"one", "f2": b"two", "f3": b"three"}, ttl_seconds=60)
    await kept.put_all("agent", {"f2": b"zwei"}, ttl_seconds=60)
    assert await kept.get("agent", ["f1", "f2", "f3"]) == {"f1": b"one", "f2": b"zwei", "f3": b"three"}
    await kept.remove("other", ["f1", "f2", "f3"])
    assert await rows(database) == 3
    await kept.remove("agent", ["f1", "f3", "f4"])
    assert await kept.get("agent", ["f1", "f2", "f3"]) == {"f2": b"zwei"}


async def test_of_several_none_is_kept_when_one_is_too_large(
    kept: SealedPayloads, database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(payloads_module, "LARGEST", 10)
    await kept.put_all("agent", {"f1": b"one", "f2": bytes(11)}, ttl_seconds=60)
    assert await rows(database) == 0


async def test_what_other_processes_wrote_counts_too_if_not_at_once(database: Database, clock: Clock):
    ours, others = (SealedPayloads(database, KEY, most_bytes=100_000, clock=clock) for _ in range(2))
    for number in range(300):
        await ours.put("agent", f"ours-{number}", bytes(500), ttl_seconds=number + 1)
        await others.put("agent", f"others-{number}", bytes(500), ttl_seconds=number + 1)
        assert await rows(database) * 529 <= 100_000 * 33 // 32 + 529


async def test_one_that_is_too_large_is_not_kept_and_told(
    kept: SealedPayloads, database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(payloads_module, "LARGEST", 10)
    await kept.put("agent", "f1", bytes(11), ttl_seconds=60)
    assert await rows(database) == 0
    assert "is not kept" in caplog.text


@given(st.tuples(st.text(max_size=8), st.text(max_size=8)), st.tuples(st.text(max_size=8), st.text(max_size=8)))
def test_no_two_places_are_sealed_alike(one: tuple[str, str], other: tuple[str, str]):
    assert (payloads_module._bound_to(*one) == payloads_module._bound_to(*other)) == (one == other)


async def test_the_key_is_made_once_for_its_owner_alone(database: Database, tmp_path: Path):
    before = os.umask(0)
    try:
        first = await SealedPayloads.open(database, tmp_path / "state")
    finally:
        os.umask(before)
    await first.put("agent", "f1", b"one", ttl_seconds=60)
    again = await SealedPayloads.open(database, tmp_path / "state")
    assert await again.get("agent", ["f1"]) == {"f1": b"one"}
    assert [(file.name, file.stat().st_mode & 0o777) for file in (tmp_path / "state").iterdir()] == [
        ("payloads.key", 0o600)
    ]


async def test_processes_that_make_the_key_at_once_all_get_the_same(tmp_path: Path):
    path = tmp_path / "state" / "payloads.key"
    code = (
        "import sys; from pathlib import Path; from gateway.store.key_file import read_or_make_key;"
        "print(read_or_make_key(Path(sys.argv[1])).hex())"
    )
    told: list[bytes] = []

    async def run() -> None:
        told.append((await anyio.run_process([sys.executable, "-c", code, str(path)])).stdout)

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(run)
    assert {bytes.fromhex(line.decode()) for line in told} == {path.read_bytes()}
    assert [file.name for file in path.parent.iterdir()] == ["payloads.key"]


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
def test_a_key_file_of_another_length_is_refused_and_never_replaced(tmp_path: Path, content: bytes):
    path = tmp_path / "payloads.key"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="does not hold 32 bytes") as caught:
        read_or_make_key(path)
    assert caught.value.hint
    assert path.read_bytes() == content


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path):
    (tmp_path / "payloads.key").mkdir()
    with pytest.raises(StoreError, match=r"payloads\.key cannot be read or made"):
        read_or_make_key(tmp_path / "payloads.key")


def test_a_key_file_that_others_can_read_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "payloads.key"
    path.write_bytes(KEY)
    path.chmod(0o644)
    assert read_or_make_key(path) == KEY
    assert "chmod 600" in caplog.text
