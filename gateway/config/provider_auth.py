"""`providers.X.auth`: what types cannot say about credentials that are not a key.

Above: `sections`. Below: documents of the right types. Refuses to know: how tokens are had.
"""

from __future__ import annotations

from pathlib import Path

from gateway.config.addresses import travels_in_clear, url_fault
from gateway.config.config import AwsAuth, GoogleAuth, OAuth2Auth, ProviderAuth, Steps
from gateway.config.documents import AuthDocument, AwsAuthDocument, OAuth2AuthDocument
from gateway.config.report import Report


def build_auth(path: Steps, document: AuthDocument | None, folder: Path, report: Report) -> ProviderAuth | None:
    """The one way that `document` names, if it names one. Paths begin at `folder`."""
    if document is None:
        return None
    given = [name for name in AuthDocument.model_fields if getattr(document, name) is not None]
    if len(given) != 1:
        kinds = " or ".join(AuthDocument.model_fields)
        report.error(
            path, f"must hold one way to get credentials: {kinds}", "write auth: {google: {}}, for example"
        )
        return None
    if document.google is not None:
        file = document.google.credentials_file
        return GoogleAuth(None if file is None else folder / file, document.google.scope)
    if document.aws is not None:
        return _aws((*path, "aws"), document.aws, report)
    return None if document.oauth2 is None else _oauth2((*path, "oauth2"), document.oauth2, report)


def _oauth2(path: Steps, document: OAuth2AuthDocument, report: Report) -> OAuth2Auth:
    if fault := url_fault(document.token_url):
        report.error((*path, "token_url"), *fault)
    elif travels_in_clear(document.token_url):
        report.error((*path, "token_url"), "the secret would travel unencrypted", "use https")
    if not document.client_secret.strip():
        report.error((*path, "client_secret"), "is empty", "set the variable that it is taken from")
    return OAuth2Auth(document.token_url, document.client_id, document.client_secret.strip(), document.scope)


def _aws(path: Steps, document: AwsAuthDocument, report: Report) -> AwsAuth:
    identity, secret = document.access_key_id, document.secret_access_key
    if (identity is None) != (secret is None):
        missing = "secret_access_key" if secret is None else "access_key_id"
        report.error((*path, missing), "is missing beside its other half", "give both, or neither")
    elif secret is not None and document.profile is not None:
        report.error((*path, "profile"), "the keys stand here as well", "keep one of them")
    elif secret is None and document.session_token is not None:
        report.error(
            (*path, "session_token"), "belongs to keys that are not here", "give the keys, or leave it out"
        )
    return AwsAuth(document.region, document.service, document.profile, identity, secret, document.session_token)
