"""Google's credentials: files of both kinds, and what only Google's library knows."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from google.auth import jwt

from gateway.providers import CredentialsUnavailable, HttpClient
from gateway.providers.auth import GOOGLE_SCOPE, google_tokens
from tests.unit.providers.auth.conftest import TokenEndpoint, Write


async def test_a_service_account_signs_for_itself(
    endpoint: TokenEndpoint, client: HttpClient, account_file: Write, public_key: bytes
):
    token = await google_tokens(client, account_file()).fetch()
    assert token.value == "token-1"
    (form,) = endpoint.asked
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert jwt.decode_header(form["assertion"]) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    claims = jwt.decode(form["assertion"], certs=public_key, audience=endpoint.url)  # Google's own check
    assert claims["iss"] == "robot@p.iam.gserviceaccount.com"
    assert claims["scope"] == GOOGLE_SCOPE
    assert claims["exp"] - claims["iat"] == 3600


async def test_a_file_is_read_anew_for_each_token(
    endpoint: TokenEndpoint, client: HttpClient, account_file: Write, public_key: bytes
):
    source = google_tokens(client, account_file())
    account_file(client_email="another@p.iam.gserviceaccount.com")
    await source.fetch()
    assert jwt.decode(endpoint.asked[0]["assertion"], certs=public_key)["iss"].startswith("another@")


async def test_what_gcloud_leaves_is_refreshed(endpoint: TokenEndpoint, client: HttpClient, account_file: Write):
    path = account_file(
        type="authorized_user",
        client_id="c",
        client_secret="s",
        refresh_token="r",
        quota_project_id="billed",
    )
    token = await google_tokens(client, path).fetch()
    assert endpoint.asked == [
        {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    ]
    assert token.headers == {"x-goog-user-project": "billed"}


async def test_a_file_is_found_where_googles_programs_look(
    endpoint: TokenEndpoint, client: HttpClient, account_file: Write, tmp_path: Path
):
    path = account_file()
    await google_tokens(client, environ={"GOOGLE_APPLICATION_CREDENTIALS": str(path)}).fetch()
    path.rename(tmp_path / "application_default_credentials.json")
    await google_tokens(client, environ={"CLOUDSDK_CONFIG": str(tmp_path)}).fetch()
    assert len(endpoint.asked) == 2


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"type": None}, "has no type"),
        ({"private_key": None}, "has no private_key"),
        ({"token_uri": "http://token.example/"}, "no https URL"),
        ({"token_uri": "ftp://token.example/"}, "no https URL"),
    ],
)
async def test_a_file_that_cannot_be_used_is_refused_at_once(
    account_file: Write, changed: dict[str, Any], message: str
):
    with pytest.raises(ValueError, match=message) as caught:
        google_tokens(None, account_file(**changed))  # pyright: ignore[reportArgumentType] - never asked
    assert "BEGIN" not in str(caught.value)


def test_a_file_that_is_not_there_or_no_json_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="No such file"):
        google_tokens(None, tmp_path / "none.json")  # pyright: ignore[reportArgumentType] - never asked
    (tmp_path / "odd.json").write_text("BEGIN")
    with pytest.raises(ValueError, match="has no type"):
        google_tokens(None, tmp_path / "odd.json")  # pyright: ignore[reportArgumentType] - never asked


async def test_a_key_that_is_none_is_told_without_it(client: HttpClient, account_file: Write):
    source = google_tokens(client, account_file(private_key="-----BEGIN s3cret"))
    with pytest.raises(CredentialsUnavailable) as caught:
        await source.fetch()
    assert "s3cret" not in str(caught.value)


# The library warns of files from strangers; this one is the operator's.
@pytest.mark.filterwarnings("ignore:.*load_credentials_from_file:DeprecationWarning")
async def test_other_kinds_are_left_to_googles_library(
    endpoint: TokenEndpoint, client: HttpClient, account_file: Write, tmp_path: Path
):
    """Workforce identity: a token of somebody else's, exchanged at Google's."""
    subject = tmp_path / "subject"
    subject.write_text("their-token")
    path = account_file(
        type="external_account",
        audience="//iam.googleapis.com/locations/global/workforcePools/p/providers/q",
        subject_token_type="urn:ietf:params:oauth:token-type:jwt",
        token_url=endpoint.url,
        credential_source={"file": str(subject)},
    )
    token = await google_tokens(client, path).fetch()
    assert token.value == "token-1"
    assert 3000 < token.lifetime <= 3600
    assert endpoint.asked[0]["subject_token"] == "their-token"
    endpoint.say = (400, {"error": "invalid_grant"})
    with pytest.raises(CredentialsUnavailable, match="Google's library"):
        await google_tokens(client, path).fetch()


async def test_without_the_library_an_operator_is_told_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, account_file: Write
):
    path = account_file(type="external_account")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"toolgate\[google\]"):
        google_tokens(None, path)  # pyright: ignore[reportArgumentType] - never asked
    assert json.loads(path.read_text())["type"] == "external_account"
