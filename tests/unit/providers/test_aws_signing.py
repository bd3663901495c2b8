"""Signatures, byte for byte those of Amazon's library; and where keys and regions come from."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers import CredentialsUnavailable
from gateway.providers.auth.aws import FixedKeys, SigningAuthorizer, aws_keys, aws_scope
from gateway.providers.auth.aws_library import LibraryKeys
from gateway.providers.auth.aws_signing import AwsKeys, Scope, sign

KEYS = AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
AT = datetime(2026, 11, 25, 20, 5, 7, tzinfo=UTC)
MODELS = st.text(st.sampled_from("abz09.:-_/%+ é✓~"), min_size=1, max_size=30)
WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
HOSTS = st.sampled_from(
    [
        "https://bedrock-runtime.us-east-1.amazonaws.com",
        "https://bedrock-runtime.us-east-1.amazonaws.com:443",
        "http://127.0.0.1:8080",
        "http://[::1]:9000",
        "https://Example.ORG:8443/base",
    ]
)
QUERIES = st.lists(
    st.tuples(st.sampled_from(["a", "b", "x-y"]), st.sampled_from(["", "1", "%2F", "z"])), max_size=4
)


class Fixed(SigV4Auth):
    """Amazon's own, at a moment of ours."""

    def add_auth(self, request: AWSRequest) -> None:
        request.context["timestamp"] = AT.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        canonical = self.canonical_request(request)
        self._inject_signature_to_request(
            request, self.signature(self.string_to_sign(request, canonical), request)
        )


def amazons(method: str, url: str, headers: Mapping[str, str], body: bytes, keys: AwsKeys, scope: Scope) -> Any:
    request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
    own = Credentials(keys.access_key_id, keys.secret_access_key, keys.token)
    Fixed(own, scope.service, scope.region).add_auth(request)
    return request.headers


@given(
    st.sampled_from(["POST", "GET"]),
    HOSTS,
    MODELS,
    QUERIES,
    st.binary(max_size=50),
    st.none() | WORDS.filter(bool),
    st.sampled_from(["application/json", " a  b ", "x"]),
    st.sampled_from([Scope("us-east-1", "bedrock"), Scope("eu-west-3", "bedrock-mantle")]),
)
def test_signatures_are_amazons_byte_for_byte(
    method: str,
    host: str,
    model: str,
    query: list[tuple[str, str]],
    body: bytes,
    token: str | None,
    kind: str,
    scope: Scope,
):
    asked = "&".join(f"{name}={value}" for name, value in query)
    url = f"{host}/model/{quote(model, safe='')}/converse" + (f"?{asked}" if asked else "")
    headers = {"content-type": kind}
    keys = AwsKeys(KEYS.access_key_id, KEYS.secret_access_key, token)
    ours = sign(method, url, headers, body, keys=keys, scope=scope, at=AT)
    theirs = amazons(method, url, headers, body, keys, scope)
    assert ours["authorization"] == theirs["Authorization"]
    assert ours["x-amz-date"] == theirs["X-Amz-Date"]
    assert ours.get("x-amz-security-token") == theirs.get("X-Amz-Security-Token")


@pytest.mark.parametrize("path", ["", "/", "//a//b/", "/a/./b/../c", "/a/%2E%2E/b", "/..", "/a/..", "/a/b/"])
def test_odd_paths_are_signed_as_amazon_signs_them(path: str):
    url = f"https://example.org{path}"
    scope = Scope("us-east-1", "bedrock")
    ours = sign("POST", url, {}, b"", keys=KEYS, scope=scope, at=AT)
    assert ours["authorization"] == amazons("POST", url, {}, b"", KEYS, scope)["Authorization"]


def test_headers_that_a_proxy_may_change_are_not_signed():
    scope = Scope("us-east-1", "bedrock")
    bare = sign("POST", "https://example.org/", {}, b"", keys=KEYS, scope=scope, at=AT)
    more = {"user-agent": "toolgate", "accept-encoding": "identity", "accept": "*/*"}
    assert sign("POST", "https://example.org/", more, b"", keys=KEYS, scope=scope, at=AT) == bare


async def test_an_authorizer_signs_what_is_sent_and_shows_no_secret():
    keys = AwsKeys("AKID", "very-secret", "session-secret")
    authorizer = SigningAuthorizer(FixedKeys(keys), Scope("us-east-1", "bedrock"), clock=lambda: AT)
    given = await authorizer.headers("POST", "https://example.org/model/m/converse", {}, b"{}")
    assert given["x-amz-security-token"] == "session-secret"
    assert "-secret" not in repr(authorizer)


@pytest.mark.parametrize(
    ("base_url", "region", "service"),
    [
        ("https://bedrock-runtime.us-east-1.amazonaws.com", "us-east-1", "bedrock"),
        ("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1", "bedrock"),
        ("https://bedrock-mantle.eu-central-2.api.aws/v1", "eu-central-2", "bedrock-mantle"),
        ("https://vpce-0a.bedrock-runtime.ap-south-1.vpce.amazonaws.com", "ap-south-1", "bedrock"),
        ("https://bedrock-runtime.cn-north-1.amazonaws.com.cn", "cn-north-1", "bedrock"),
    ],
)
def test_the_host_tells_the_region_and_the_service(base_url: str, region: str, service: str):
    assert aws_scope(base_url, None, None, environ={}) == Scope(region, service)
    assert aws_scope(base_url, "x-y-1", "z", environ={}) == Scope("x-y-1", "z")


def test_a_host_that_tells_no_region_leaves_it_to_the_environment():
    assert aws_scope("http://127.0.0.1:1/", None, None, environ={"AWS_REGION": "us-east-1"}).region == "us-east-1"
    assert aws_scope(None, None, None, environ={"AWS_DEFAULT_REGION": "us-west-2"}).region == "us-west-2"
    with pytest.raises(ValueError, match="region"):
        aws_scope("http://127.0.0.1:1/", None, None, environ={})


async def test_keys_that_are_given_go_before_the_environments():
    environ = {"AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}
    assert await aws_keys(KEYS, None, environ=environ).keys() == KEYS
    assert await aws_keys(None, None, environ=environ).keys() == AwsKeys("E", "s", "t")
    assert isinstance(aws_keys(None, "work", environ=environ), LibraryKeys)
    assert isinstance(aws_keys(None, None, environ={}), LibraryKeys)


def test_without_the_library_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "botocore", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"toolgate\[aws\]"):
        aws_keys(None, "work", environ={})


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Amazon's usual files, and nothing else of this machine's."""
    path = tmp_path / "credentials"
    path.write_text("[work]\naws_access_key_id = W\naws_secret_access_key = w\naws_session_token = t\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return path


async def test_a_profile_is_found_by_the_library(profiles: Path):
    source = LibraryKeys("work")
    assert await source.keys() == AwsKeys("W", "w", "t")


@pytest.mark.parametrize("profile", ["absent", None])
async def test_credentials_that_cannot_be_had_are_said_so_and_not_asked_for_at_once_again(
    profiles: Path, profile: str | None
):
    now = 0.0
    source = LibraryKeys(profile, clock=lambda: now)
    with pytest.raises(CredentialsUnavailable, match="Amazon"):
        await source.keys()
    profiles.write_text("[absent]\naws_access_key_id = A\naws_secret_access_key = a\n[default]\n")
    with profiles.open("a") as file:
        file.write("aws_access_key_id = A\naws_secret_access_key = a\n")
    with pytest.raises(CredentialsUnavailable):
        await source.keys()
    now = 6.0
    assert await source.keys() == AwsKeys("A", "a")


async def test_keys_that_a_program_gives_are_renewed_before_they_end(profiles: Path, tmp_path: Path):
    """The standard `credential_process`, whose keys expire: the library renews them, we ask it each minute."""
    program = tmp_path / "program.py"
    count = tmp_path / "count"
    program.write_text(
        "import json, pathlib, datetime\n"
        f"path = pathlib.Path({str(count)!r})\n"
        "n = int(path.read_text()) + 1 if path.exists() else 1\n"
        "path.write_text(str(n))\n"
        "end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=12)\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': f'A{n}', 'SecretAccessKey': 's', 'SessionToken': 't',\n"
        "    'Expiration': end.isoformat()}))\n"
    )
    (tmp_path / "config").write_text(f"[profile made]\ncredential_process = {sys.executable} {program}\n")
    now = 0.0
    source = LibraryKeys("made", clock=lambda: now)
    first = (await source.keys()).access_key_id
    now = 59.0
    assert (await source.keys()).access_key_id == first
    now = 61.0
    assert (await source.keys()).access_key_id != first
