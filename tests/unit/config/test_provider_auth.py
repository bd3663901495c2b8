"""Credentials that are not a key, in the configuration."""

from __future__ import annotations

import pytest

from gateway.config import AwsAuth, GoogleAuth, OAuth2Auth
from tests.unit.config.folders import Folder

ENTRA = "oauth2: {token_url: 'https://login.example/t', client_id: app, client_secret: entra-secret, scope: s}"


@pytest.mark.parametrize("written", ["{google: }", "{google: {}}"])
def test_google_needs_nothing_said(folder: Folder, written: str):
    config = folder.load_with(f"providers: {{v: {{base_url: 'https://h/v1', auth: {written}}}}}")
    assert config.providers["v"].auth == GoogleAuth()


def test_a_file_is_taken_from_the_folder(folder: Folder):
    config = folder.load_with(
        "providers: {v: {base_url: 'https://h/v1', auth: {google: {credentials_file: a.json}}}}"
    )
    assert config.providers["v"].auth == GoogleAuth(folder.path / "a.json")


def test_a_clients_secret_stays_out_of_sight(folder: Folder):
    config = folder.load_with(f"providers: {{v: {{base_url: 'https://h/v1', auth: {{{ENTRA}}}}}}}")
    assert config.providers["v"].auth == OAuth2Auth("https://login.example/t", "app", "entra-secret", "s")
    assert "entra-secret" not in repr(config)
    assert "entra-secret" in config.secrets


def test_amazons_keys_may_stand_here_or_elsewhere(folder: Folder):
    start = "providers: {b: {kind: bedrock, base_url: 'https://bedrock-runtime.us-east-1.amazonaws.com', auth: "
    assert folder.load_with(f"{start}{{aws: }}}}}}").providers["b"].auth == AwsAuth()
    keys = "{access_key_id: AKID, secret_access_key: aws-secret, session_token: aws-token, region: x}"
    config = folder.load_with(f"{start}{{aws: {keys}}}}}}}")
    expected = AwsAuth("x", access_key_id="AKID", secret_access_key="aws-secret", session_token="aws-token")
    assert config.providers["b"].auth == expected
    assert "aws-secret" not in repr(config)
    assert {"aws-secret", "aws-token"} <= set(config.secrets)


@pytest.mark.parametrize(
    ("written", "field", "message"),
    [
        ("auth: {}", "auth", "one way to get credentials"),
        (f"auth: {{google: {{}}, {ENTRA}}}", "auth", "one way to get credentials"),
        ("api_key: x-0123456789, auth: {google: {}}", "auth", "api_key gives credentials as well"),
        ("auth: {gogle: {}}", "auth.gogle", "no such setting"),
        ("auth: {aws: {access_key_id: x}}", "auth.aws.secret_access_key", "other half"),
        ("auth: {aws: {secret_access_key: x}}", "auth.aws.access_key_id", "other half"),
        ("auth: {aws: {session_token: x}}", "auth.aws.session_token", "not here"),
        (
            "auth: {aws: {access_key_id: x, secret_access_key: y, profile: z}}",
            "auth.aws.profile",
            "as well",
        ),
        ("auth: {google: {file: x}}", "auth.google.file", "no such setting"),
        ("auth: {oauth2: {token_url: 'https://h/'}}", "auth.oauth2.client_id", "is missing"),
        (
            "auth: {oauth2: {token_url: 'http://h/', client_id: a, client_secret: b}}",
            "auth.oauth2.token_url",
            "unencrypted",
        ),
        ("auth: {oauth2: {token_url: 'x', client_id: a, client_secret: b}}", "auth.oauth2.token_url", "https URL"),
        (
            "auth: {oauth2: {token_url: 'https://h/', client_id: a, client_secret: ' '}}",
            "auth.oauth2.client_secret",
            "is empty",
        ),
    ],
)
def test_mistakes_are_found_where_they_stand(folder: Folder, written: str, field: str, message: str):
    problems = folder.problems_with(f"providers: {{v: {{base_url: 'https://h/v1', {written}}}}}")
    assert [
        problem for problem in problems if problem.field == f"providers.v.{field}" and message in problem.message
    ]
