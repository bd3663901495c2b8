"""Whose the objects at a provider are."""

from __future__ import annotations

from pathlib import Path

from gateway.store import ProviderObject, ProviderObjects, open_database

DAY = 86_400


FILES = ("files",)


def made(object_id: str, provider: str = "p", kind: str = "files", shown: str = "{}") -> ProviderObject:
    return ProviderObject(provider, object_id, kind, "user_data", shown)


async def test_objects_belong_to_one_key_at_one_provider(tmp_path: Path):
    async with open_database(f"sqlite:///{tmp_path}/a.db") as database:
        objects = ProviderObjects(database)
        await objects.add("one", made("a"))
        await objects.add("one", made("a"))
        assert await objects.owned("one", "p", ["a", "b", *map(str, range(2000))]) == {"a"}
        assert await objects.owned("two", "p", ["a"]) == set()
        assert await objects.owned("one", "q", ["a"]) == set()
        await objects.remove("two", "p", "a")
        assert await objects.of_key("one", FILES, provider="p") == [made("a")]
        await objects.remove("one", "p", "a")
        assert await objects.of_key("one", FILES, provider="p") == []


async def test_a_key_has_so_many_and_so_long(tmp_path: Path):
    now = [0.0]
    async with open_database(f"sqlite:///{tmp_path}/a.db") as database:
        objects = ProviderObjects(database, most_of_a_key=2, clock=lambda: now[0])
        await objects.add("one", made("a"))
        assert await objects.has_room("one")
        now[0] = 2.0 * DAY
        await objects.add("one", made("b"))
        assert not await objects.has_room("one")
        assert await objects.has_room("two")
        await objects.purge(older_than_days=1)
        assert await objects.of_key("one", FILES, provider="p") == [made("b")]


async def test_one_is_found_by_its_kind_and_told_of_without_becoming_newer(tmp_path: Path):
    now = [0.0]
    async with open_database(f"sqlite:///{tmp_path}/a.db") as database:
        objects = ProviderObjects(database, clock=lambda: now[0])
        await objects.add("one", made("a", kind="batches"))
        now[0] = 1.0
        await objects.add("one", made("b", provider="q"))
        assert await objects.find("one", "a", ("files",)) is None
        assert await objects.find("two", "a", ("batches",)) is None
        assert await objects.find("one", "a", ("batches",), provider="q") is None
        newer = made("a", kind="batches", shown='{"status": "completed"}')
        await objects.tell("two", newer)
        assert await objects.find("one", "a", ("batches",)) == made("a", kind="batches")
        await objects.tell("one", newer)
        assert await objects.find("one", "a", ("files", "batches"), provider="p") == newer
        assert await objects.of_key("one", ("files", "batches")) == [made("b", provider="q"), newer]
