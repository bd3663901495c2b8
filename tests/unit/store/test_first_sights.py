from __future__ import annotations

from dataclasses import replace

from gateway.store import FirstSightings, open_database
from tool_policies.lockfile import LockedServer, LockedTool, Lockfile, Source

SOURCE = Source("npm", "files@1", "1.2.3", "sha512-a")


def tool(name: str, **more: object) -> LockedTool:
    return LockedTool.of({"name": name, "inputSchema": {"type": "object"}, **more})


def server(*tools: LockedTool, source: Source | None = SOURCE) -> LockedServer:
    return LockedServer.of(source, tools)


async def test_what_was_seen_first_is_kept_and_outlives_the_process(tmp_path):
    url = f"sqlite:///{tmp_path / 'db'}"
    async with open_database(url) as database:
        assert await FirstSightings(database).add("files", server(tool("read"))) == server(tool("read"))
    async with open_database(url) as database:
        kept = await FirstSightings(database).add("files", server(tool("read", description="x"), tool("write")))
        assert kept == server(tool("read"), tool("write")), "another gateway may have seen it before"
        known = await FirstSightings(database).load()
        assert known == Lockfile({"files": kept})
        assert known.servers["files"].tools["write"].definition == tool("write").definition


async def test_prompts_are_kept_from_when_they_are_first_seen(tmp_path):
    def with_prompts(*prompts: LockedTool) -> LockedServer:
        return LockedServer.of(SOURCE, [tool("read")], prompts=prompts)

    async with open_database(f"sqlite:///{tmp_path / 'db'}") as database:
        sights = FirstSightings(database)
        await sights.add("files", server(tool("read")))
        assert (await sights.load()).servers["files"].prompts is None
        await sights.add("files", with_prompts(tool("greet")))
        await sights.add("files", with_prompts(tool("greet", description="x"), tool("sum_up")))
        assert (await sights.load()).servers["files"] == with_prompts(tool("greet"), tool("sum_up"))


async def test_another_request_of_the_operators_begins_anew(tmp_path):
    other = Source("npm", "files@2", "2.0.0")
    async with open_database(f"sqlite:///{tmp_path / 'db'}") as database:
        sights = FirstSightings(database)
        await sights.add("files", server(tool("read")))
        assert await sights.add("files", server(tool("write"), source=other)) == server(
            tool("write"), source=other
        )


async def test_everything_can_be_forgotten(tmp_path):
    async with open_database(f"sqlite:///{tmp_path / 'db'}") as database:
        sights = FirstSightings(database)
        await sights.add("files", server(tool("read"), source=None))
        await sights.forget()
        assert (await sights.load()).servers == {}


async def test_what_comes_to_be_known_of_the_same_source_is_kept_with_it(tmp_path):
    whole = replace(SOURCE, issuer="https://id", packages=("files 1.2.3 sha512-a",))
    async with open_database(f"sqlite:///{tmp_path / 'db'}") as database:
        sights = FirstSightings(database)
        await sights.add("files", server(tool("read")))
        assert (await sights.add("files", server(source=whole))).source == whole
        await sights.add("files", server(source=replace(whole, packages=("files 1.2.3 sha512-b",))))
        assert (await sights.load()).servers["files"] == server(tool("read"), source=whole)
