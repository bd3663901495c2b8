from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest
from mcp import Client

from mcp_servers.filesystem import beneath, build_server, files


@pytest.fixture
def root(tmp_path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "hello.txt").write_text("one\ntwo\nthree\n")
    (tmp_path / "secret.txt").write_text("SECRET")
    (tmp_path / "workspace-2").mkdir()
    (tmp_path / "workspace-2" / "secret.txt").write_text("SECRET")
    return folder


@pytest.fixture(params=["openat2", "walk"])
def kernel(request, monkeypatch):
    """Both ways to stay beneath: the system call, and what stands in for it where it is missing."""
    if request.param == "walk":

        def missing(*args: object) -> int:
            raise OSError(errno.ENOSYS, "not implemented")

        monkeypatch.setattr(beneath, "_openat2", missing)


@pytest.fixture
async def client(root, kernel):
    async with Client(build_server([root])) as connected:
        yield connected


async def call(client: Client, tool: str, **arguments: object) -> tuple[bool, str]:
    """Whether the call failed, and its text."""
    result = await client.call_tool(tool, arguments)
    [block] = result.content
    return bool(result.is_error), block.text


async def fails(client: Client, why: str, tool: str, **arguments: object) -> None:
    failed, text = await call(client, tool, **arguments)
    assert failed, text
    assert why in text
    assert "SECRET" not in text


async def test_every_tool_says_what_it_may_do(client):
    tools = {tool.name: tool.annotations for tool in (await client.list_tools()).tools}
    reading = {"read_file", "list_directory", "search_files", "file_info"}
    assert set(tools) == reading | {"write_file", "edit_file", "delete_file", "make_directory"}
    assert {name for name, hints in tools.items() if hints.read_only_hint} == reading
    assert {name for name, hints in tools.items() if hints.destructive_hint} == {
        "write_file",
        "edit_file",
        "delete_file",
    }
    assert {name for name, hints in tools.items() if not hints.idempotent_hint} == {"edit_file", "delete_file"}
    assert not any(hints.open_world_hint for hints in tools.values())


@pytest.mark.parametrize(
    "path", ["hello.txt", "./hello.txt", "sub/../hello.txt", "{root}/hello.txt", "//{root}/hello.txt"]
)
async def test_a_path_may_be_relative_or_absolute(client, root, path):
    assert await call(client, "read_file", path=path.format(root=root)) == (False, "one\ntwo\nthree\n")


async def test_some_lines_of_a_file_can_be_read(client):
    assert await call(client, "read_file", path="hello.txt", offset=2, limit=1) == (
        False,
        "two\n\n[lines 2 to 2 of 3; read on with offset 3]",
    )
    await fails(client, "only 3 lines", "read_file", path="hello.txt", offset=4)


async def test_an_empty_file_reads_as_empty(client, root):
    (root / "empty").touch()
    assert await call(client, "read_file", path="empty") == (False, "")


async def test_a_long_answer_is_cut_and_says_so(client, root):
    (root / "many").write_text("x" * 99 + "\n" + ("y" * 99 + "\n") * 4000)
    failed, text = await call(client, "read_file", path="many", limit=100_000)
    assert not failed
    assert len(text) < files.LARGEST_ANSWER + 200
    assert "read on with offset 2622" in text
    (root / "long").write_text("ü" * files.LARGEST_ANSWER)
    failed, text = await call(client, "read_file", path="long")
    assert len(text.encode()) < files.LARGEST_ANSWER + 200
    assert "left out" in text


async def test_what_is_no_text_or_too_long_is_refused(client, root):
    (root / "binary").write_bytes(b"\xff\xfe\0")
    await fails(client, "not UTF-8", "read_file", path="binary")
    with (root / "huge").open("wb") as file:
        file.truncate(files.LARGEST_FILE + 1)
    await fails(client, "longer than", "read_file", path="huge")
    await fails(client, "longer than", "write_file", path="new", content="x" * (files.LARGEST_FILE + 1))


async def test_a_file_is_written_replaced_and_keeps_its_permissions(client, root):
    assert not (await call(client, "write_file", path="new.txt", content="grüße"))[0]
    assert (root / "new.txt").read_text() == "grüße"
    (root / "new.txt").chmod(0o750)
    assert not (await call(client, "write_file", path="new.txt", content="again"))[0]
    assert (root / "new.txt").read_text() == "again"
    assert (root / "new.txt").stat().st_mode & 0o777 == 0o750
    assert sorted(path.name for path in root.iterdir()) == ["hello.txt", "new.txt"], "no drafts are left"


async def test_a_write_needs_its_folder(client, root):
    await fails(client, "the folder of a/b/new.txt: does not exist", "write_file", path="a/b/new.txt", content="x")
    assert not (await call(client, "make_directory", path="a/b"))[0]
    assert not (await call(client, "write_file", path="a/b/new.txt", content="x"))[0]
    assert "already" in (await call(client, "make_directory", path="a/b"))[1]
    await fails(client, "not a folder", "make_directory", path="hello.txt")


async def test_an_edit_replaces_exactly_what_was_meant(client, root):
    assert not (await call(client, "edit_file", path="hello.txt", old_text="two", new_text="2"))[0]
    assert (root / "hello.txt").read_text() == "one\n2\nthree\n"
    await fails(client, "is not in the file", "edit_file", path="hello.txt", old_text="two", new_text="x")
    (root / "twice").write_text("a a")
    await fails(client, "there 2 times", "edit_file", path="twice", old_text="a", new_text="b")
    assert (root / "twice").read_text() == "a a"
    assert not (await call(client, "edit_file", path="twice", old_text="a", new_text="b", replace_all=True))[0]
    assert (root / "twice").read_text() == "b b"


async def test_files_are_deleted_and_folders_are_not(client, root):
    (root / "sub").mkdir()
    assert not (await call(client, "delete_file", path="hello.txt"))[0]
    assert not (root / "hello.txt").exists()
    await fails(client, "is a folder", "delete_file", path="sub")
    await fails(client, "does not exist", "delete_file", path="hello.txt")
    await fails(client, "allowed folders itself", "delete_file", path=".")


async def test_a_folder_is_listed_in_order(client, root):
    (root / "sub").mkdir()
    (root / "line\nbreak").touch()
    (root / os.fsdecode(b"\xff")).touch()
    failed, text = await call(client, "list_directory")
    assert not failed
    assert [line.split()[0] for line in text.splitlines()] == ["file", "file", "folder", "file"]
    assert [line[21:] for line in text.splitlines()] == ["hello.txt", "line\\nbreak", "sub", "\\xff"]
    assert await call(client, "list_directory", path="sub") == (False, "The folder is empty.")
    await fails(client, "not a folder", "list_directory", path="hello.txt")


async def test_a_long_listing_is_cut_and_says_so(client, root):
    for number in range(1005):
        (root / f"f{number}").touch()
    assert (await call(client, "list_directory"))[1].endswith("[6 more entries are left out]")
    found = (await call(client, "search_files", pattern="f*"))[1].splitlines()
    assert (len(found), found[-1]) == (1001, "[there may be more: search in a smaller folder]")


async def test_files_are_found_by_name_or_by_path(client, root):
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "sub" / "deep" / "notes.md").touch()
    assert await call(client, "search_files", pattern="*.md") == (False, "sub/deep/notes.md")
    assert await call(client, "search_files", pattern="sub/*/*.md") == (False, "sub/deep/notes.md")
    assert await call(client, "search_files", pattern="*.md", path="sub") == (False, "deep/notes.md")
    assert await call(client, "search_files", pattern="nothing") == (False, "Nothing matches.")


async def test_a_file_is_described(client):
    failed, text = await call(client, "file_info", path="hello.txt")
    assert not failed
    assert "kind: file\nsize: 14 bytes\n" in text


OUTSIDE = [
    "../secret.txt",
    "{root}/../secret.txt",
    "{root}-2/secret.txt",
    "//{root}-2/secret.txt",
    "/etc/passwd",
    "sub/../../secret.txt",
    "/proc/self/" + "root/etc/passwd",
]


@pytest.mark.parametrize("path", OUTSIDE)
async def test_nothing_outside_the_folder_can_be_named(client, root, path):
    path = path.format(root=root)
    await fails(client, "outside", "read_file", path=path)
    await fails(client, "outside", "write_file", path=path, content="x")
    await fails(client, "outside", "edit_file", path=path, old_text="SECRET", new_text="x")
    await fails(client, "outside", "delete_file", path=path)
    await fails(client, "outside", "file_info", path=path)
    await fails(client, "outside", "list_directory", path=path)
    await fails(client, "outside", "search_files", path=path, pattern="*")
    await fails(client, "outside", "make_directory", path=path)


@pytest.mark.parametrize("target", ["../secret.txt", "{root}/../secret.txt", "/etc/passwd", "/proc/self/environ"])
async def test_a_link_that_leads_out_is_not_followed(client, root, target):
    link = root / "link"
    link.symlink_to(target.format(root=root))
    await fails(client, "link: ", "read_file", path="link")
    await fails(client, "link: ", "edit_file", path="link", old_text="S", new_text="x")
    assert "kind: link" in (await call(client, "file_info", path="link"))[1]
    assert not (await call(client, "write_file", path="link", content="mine"))[0]
    assert not link.is_symlink(), "a write replaces the link, not what it points to"
    assert (root.parent / "secret.txt").read_text() == "SECRET"


async def test_a_folder_link_that_leads_out_is_not_entered(client, root):
    (root / "up").symlink_to("..")
    (root / "proc").symlink_to("/proc/self/root")
    for link in ("up", "proc"):
        await fails(client, f"{link}", "list_directory", path=link)
        await fails(client, "the folder of", "write_file", path=f"{link}/new.txt", content="x")
        await fails(client, "the folder of", "delete_file", path=f"{link}/secret.txt")
        await fails(client, "the folder of", "make_directory", path=f"{link}/new")
    await fails(client, "secret.txt", "read_file", path="up/secret.txt")
    found = (await call(client, "search_files", pattern="*secret*"))[1]
    assert found == "Nothing matches."
    assert sorted(path.name for path in root.parent.iterdir()) == ["secret.txt", "workspace", "workspace-2"]


async def test_deleting_a_link_leaves_what_it_points_to(client, root):
    (root / "link").symlink_to("../secret.txt")
    assert not (await call(client, "delete_file", path="link"))[0]
    assert (root.parent / "secret.txt").exists()


async def test_pipes_and_sockets_are_refused_and_nothing_hangs(client, root):
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
        for name in ("pipe", "socket"):
            await fails(client, "not a regular file", "read_file", path=name)
            await fails(client, "not a regular file", "write_file", path=name, content="x")


async def test_the_folder_stays_the_one_it_was(client, root):
    """Exchanging the root for a link after the start gains nothing."""
    root.rename(root.parent / "moved")
    root.symlink_to(root.parent / "workspace-2")
    await fails(client, "does not exist", "read_file", path="secret.txt")
    assert not (await call(client, "read_file", path="hello.txt"))[0]


async def test_text_that_utf8_cannot_say_is_refused(root):
    with pytest.raises(Exception, match="surrogate"):
        files.write_text(files.Folders([root]), "new", "\ud800")


async def test_of_several_folders_the_innermost_is_meant(root):
    inner = root / "inner"
    inner.mkdir()
    async with Client(build_server([root, inner])) as client:
        assert not (await call(client, "write_file", path=f"{inner}/a", content="x"))[0]
        assert not (await call(client, "write_file", path="b", content="x"))[0]
        assert (root / "b").exists()
        await fails(client, "allowed folders itself", "delete_file", path=str(inner))


def test_links_within_the_folder_are_followed_by_the_kernel(root):
    (root / "sub").mkdir()
    (root / "sub" / "back").symlink_to("../hello.txt")
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.close(beneath.open_beneath(folder, "sub/back", os.O_RDONLY))
        for path in ("/etc/passwd", "../secret.txt", "sub/../../secret.txt", "nul\0"):
            with pytest.raises(OSError, match="cross-device"):
                beneath.open_beneath(folder, path, os.O_RDONLY)
    finally:
        os.close(folder)
