"""Whose the objects at a provider are."""

from __future__ import annotations

from pathlib import Path

from gateway.store import ProviderObject, ProviderObjects, open_database

DAY = 86_400


def made(object_id: str) -> ProviderObject:
    return ProviderObject(object_id, "files", "user_data", "{}")


async def test_objects_belong_to_one_key_at_one_provider(tmp_path: Path):
    async with open_database(f"sqlite:///{tmp_path}/a.db") as database:
        objects = ProviderObjects(database)
        await objects.add("one", "p", made("a"))
        await objects.add("one", "p", made("a"))
        assert await objects.owned("one", "p", ["a", "b", *map(str, range(2000))]) == {"a"}
        assert await objects.owned("two", "p", ["a"]) == set()
        assert await objects.owned("one", "q", ["a"]) == set()
        await objects.remove("two", "p", "a")
        assert await objects.of_key("one", "p", "files") == [made("a")]
        await objects.remove("one", "p", "a")
        assert await objects.of_key("one", "p", "files") == []


async def test_a_key_has_so_many_and_so_long(tmp_path: Path):
    now = [0.0]
    async with open_database(f"sqlite:///{tmp_path}/a.db") as database:
        objects = ProviderObjects(database, most_of_a_key=2, clock=lambda: now[0])
        await objects.add("one", "p", made("a"))
        assert await objects.has_room("one")
        now[0] = 2.0 * DAY
        await objects.add("one", "p", made("b"))
        assert not await objects.has_room("one")
        assert await objects.has_room("two")
        await objects.purge(older_than_days=1)
        assert await objects.of_key("one", "p", "files") == [made("b")]
