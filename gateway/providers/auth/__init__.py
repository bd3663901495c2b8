"""Credentials that are not a key: fetched, renewed, or made anew for each request.

Above: the composition root makes an `Authorizer` of what the config says. Below: the HTTP client that providers
are called with. Refuses to know: models, dialects, whose request it is.
"""

from gateway.providers.auth.aws import SigningAuthorizer, aws_keys, aws_scope
from gateway.providers.auth.aws_signing import AwsKeys
from gateway.providers.auth.bearer import BearerAuthorizer, Token, TokenSource
from gateway.providers.auth.google import GOOGLE_SCOPE, google_tokens
from gateway.providers.auth.oauth2 import ClientCredentials

__all__ = [
    "GOOGLE_SCOPE",
    "AwsKeys",
    "BearerAuthorizer",
    "ClientCredentials",
    "SigningAuthorizer",
    "Token",
    "TokenSource",
    "aws_keys",
    "aws_scope",
    "google_tokens",
]
