from __future__ import annotations

import posixpath
import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tool_policies.paths import LONGEST, normalise, root_of, why_outside

ROOT = "/workspace"

TRICKS = [
    "/workspace-2",
    "/workspace-2/a",
    "/workspace2",
    "/workspac",
    "/Workspace/a",
    "/workspace/../etc/passwd",
    "/workspace/..",
    "/workspace/a/../../etc",
    "/workspace/./../etc",
    "/workspace//../etc",
    "/../etc",
    "/etc/passwd",
    "/",
    "//workspace",
    "//workspace/a",
    "///workspace/a",
    "//server/share",
    "..",
    "../workspace-2",
    "../etc",
    "a/../../etc",
    "./../etc",
    "..//workspace-2/a",
    "/workspace/a\0",
    "/workspace/a\0/../../etc",
    "/workspace/a\n",
    "/workspace/\x7f",
    "/workspace/\x1b[2J",
    "\\workspace\\a",
    "/workspace\\..\\etc",
    "/workspace/..\\etc",
    "C:\\Windows",
    "C:/Windows",
    "c:a",
    "\\\\server\\share",
    "\\\\?\\C:\\a",
    "/workspace/%2e%2e/etc",
    "/workspace/%2E%2E%2Fetc",
    "/workspace/..%2fetc",
    "/workspace%2f..%2fetc",
    "%2fetc%2fpasswd",
    "%2e%2e/etc",
    "/workspace/%252e%252e/etc",
    "/workspace/%25252e%25252e/etc",
    "/workspace/%2525252525252e%2525252525252e/etc",
    "/workspace/%c0%ae%c0%ae/etc",
    "/workspace/%e0%80%ae/etc",
    "/workspace/%u002e%u002e/etc",
    "/workspace/a%00",
    "/workspace/%5c..%5cetc",
    "/workspace/a%0d%0a",
    "/workspace/\uff0e\uff0e/etc",
    "/workspace/\u2024\u2024/etc",
    "/workspace/\u2025/etc",
    "/workspace/\ufe52\ufe52/etc",
    "..\uff0fetc",
    "..\u2215etc",
    "..\u2044etc",
    "..\u29f8etc",
    "\uff0e\uff0e\uff0fetc",
    "/workspace\uff3c..\uff3cetc",
    "..\u2216etc",
    "/workspace/%ef%bc%8e%ef%bc%8e/etc",
    "/workspace/.\u200b./etc",
    "/workspace/.\u00ad./etc",
    "/workspace/\u202e/a",
    "/workspace/\ufeff",
    "/workspace/\ud800",
    "/workspace/\U000e0041",
    "/workspace/...",
    "/workspace/..../etc",
    "/workspace/.. /etc",
    "/workspace/ ../etc",
    "/workspace/..;/etc",
    "/workspace/..;a=b/etc",
    " /etc/passwd",
    "/workspace/a ",
    "\t/etc",
    "\u00a0/etc",
    "~",
    "~/.ssh/id_rsa",
    "~root/.ssh",
    "file:///etc/passwd",
    "file:/etc/passwd",
    "FILE:///workspace/a",
    "http://localhost/etc",
    "data:text/plain,x",
    "a" * (LONGEST + 1),
]

INSIDE = [
    "/workspace",
    "/workspace/",
    "/workspace/.",
    "/workspace/a",
    "/workspace/a/b.txt",
    "/workspace//a",
    "/workspace/a/../b",
    "/workspace/../workspace/a",
    "/workspace/..a",
    "/workspace/a..",
    "/workspace/a..b/c",
    "/workspace/.hidden",
    "/workspace/a b.txt",
    "/workspace/100%.txt",
    "/workspace/50%25",
    "/workspace/a%20b",
    "/workspace/naïve/日本語.txt",
    "/workspace/notes….txt",
    "/workspace/ﬁle",
    "/workspace/Screenshot 3.45\u202fPM.png",
    "/workspace/~backup",
    "/workspace/12:30.txt",
    "/workspace/$HOME",
    "",
    ".",
    "a",
    "./a",
    "a/../b",
    "workspace",
    "./~backup",
    "etc/passwd",
]


@pytest.mark.parametrize("path", TRICKS)
def test_no_trick_gets_out(path):
    assert why_outside(path, ROOT)
    assert why_outside(path, ROOT, ROOT)


@pytest.mark.parametrize("path", INSIDE)
def test_what_lies_beneath_passes(path):
    assert why_outside(path, ROOT, ROOT) is None


@pytest.mark.parametrize("path", ["a", "./a", "..", "", ".", "a/../b"])
def test_relative_paths_are_refused_unless_it_is_said_where_they_count_from(path):
    assert why_outside(path, ROOT) == "is relative, and must be absolute"
    assert why_outside("/workspace/a", ROOT) is None


def test_relative_paths_are_taken_from_where_the_server_starts_if_that_is_said():
    deeper = "/workspace/reports"
    assert why_outside("secret.txt", deeper, "/workspace")
    assert why_outside("reports/a.txt", deeper, "/workspace") is None
    assert why_outside("reports/../secret.txt", deeper, "/workspace")
    assert why_outside("/workspace/reports/a", deeper, "/workspace") is None
    assert why_outside("../reports/a", deeper, "/workspace/other") is None


def test_the_root_of_everything_holds_every_plain_absolute_path():
    assert why_outside("/etc/passwd", "/") is None
    assert why_outside("/..", "/") is None
    assert why_outside("//etc", "/")


def test_a_root_beyond_ascii_is_not_taken_for_its_look_alike():
    assert why_outside("/\ufb01les/a", "/\ufb01les") is None
    assert why_outside("/files/a", "/\ufb01les")
    assert why_outside("/\ufb01les/a", "/files")


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("/workspace", "/workspace"),
        ("/workspace/", "/workspace"),
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("workspace", None),
        ("./a", None),
        ("", None),
        ("/a/../b", None),
        ("/a/./b", None),
        ("/a//b", None),
        ("//a", None),
        ("/a%20", None),
        ("/a\\b", None),
        ("C:/a", None),
        ("~", None),
        ("/a\0", None),
        ("/a ", None),
    ],
)
def test_a_root_is_absolute_and_plain(text, root):
    assert root_of(text) == root


PIECES = st.sampled_from(
    [
        "workspace",
        "workspace-2",
        "etc",
        "a",
        "..",
        ".",
        "...",
        "/",
        "//",
        "%2e",
        "%2f",
        "%252e",
        "%25",
        "%",
        "%c0%ae",
        "%5c",
        "\\",
        "~",
        " ",
        "\x00",
        ":",
        ";",
        "‥",
        "．",
        "／",
        "∕",
        "⁄",
        "\u200b",
        "é",
        "u002e",
    ]
)
PATHS = st.lists(PIECES, max_size=10).map("".join)


def readings(path: str) -> set[str]:
    """What some server somewhere could take a path for."""
    found = {path}
    for _ in range(6):
        found |= {unquote(text, errors="replace") for text in found}
        found |= {unicodedata.normalize("NFKC", text) for text in found}
        found |= {text.strip() for text in found}
        found |= {text.replace("\u2215", "/").replace("\u2044", "/").replace("\\", "/") for text in found}
        found |= {text.split("\0")[0] for text in found} | {text.replace("\u200b", "") for text in found}
    return found


@given(PATHS | PATHS.map("/workspace/".__add__))
@example("/workspace/a/%2e%2e/%252e%252e/etc")
def test_what_passes_is_inside_however_it_is_read(path):
    if why_outside(path, ROOT) is None:
        for reading in readings(path):
            real = posixpath.normpath(posixpath.join(ROOT, reading))
            assert real == ROOT or real.startswith(f"{ROOT}/"), reading


PLAIN = st.lists(st.sampled_from(["workspace", "workspace-2", "etc", "a", "b.c", "..", "."]), max_size=8).map(
    "/".join
)


@given(st.booleans(), PLAIN)
def test_a_plain_path_passes_just_when_posix_puts_it_inside(absolute, rest):
    path = f"/{rest}" if absolute else rest
    real = posixpath.normpath(posixpath.join(ROOT, path))
    assert (why_outside(path, ROOT, ROOT) is None) == (real == ROOT or real.startswith(f"{ROOT}/"))


@given(st.lists(st.sampled_from(["a", "b", "..", ".", ""]), max_size=10).map("/".join))
def test_normalising_agrees_with_posix(rest):
    assert normalise(f"/{rest}") == "/" + posixpath.normpath(f"/{rest}").lstrip("/")
