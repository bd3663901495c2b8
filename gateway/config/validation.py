"""From a document's plain values to its typed ones, with every mistake in plain words.

What is wrong is reported and then left out, so that the rest can be judged, too. No message quotes a value.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.config.documents import (
    AuditDocument,
    AuthDocument,
    AwsAuthDocument,
    Document,
    GoogleAuthDocument,
    KeyDocument,
    LimitsDocument,
    ListenDocument,
    McpEndpointDocument,
    MemoryDocument,
    OAuth2AuthDocument,
    PriceDocument,
    ProviderDocument,
    ProviderTimeoutDocument,
    QueueDocument,
    StorageDocument,
)
from gateway.config.identity_documents import IdentityDocument, IssuerDocument, KeyRuleDocument
from gateway.config.mcp_documents import ConfigDocument, OperationsDocument, SandboxDocument, ServerDocument
from gateway.config.model_documents import (
    BreakerDocument,
    HedgeDocument,
    ModelDocument,
    ModelTargetDocument,
    PickDocument,
    RoutingDocument,
    RuleDocument,
)
from gateway.config.report import Report

DocumentT = TypeVar("DocumentT", bound=Document)
_Steps = tuple[str | int, ...]
_ROUNDS = 16  # leaving out what is wrong may bring to light that something is missing; levels bound the rounds


def validate(model: type[DocumentT], tree: dict[str, Any], report: Report, *, is_foreign: bool) -> DocumentT:
    """The document that `tree` holds, without what is wrong in it, which is reported. `tree` is changed.

    With `is_foreign`, as in clients' files, an unknown setting is a warning: a newer client may write it.
    """
    for _ in range(_ROUNDS):
        try:
            return model.model_validate(tree)
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
        # A setting that is missing because its name was misspelt is one mistake.
        meant = {(*detail["loc"][:-1], _meant(detail["loc"])) for detail in details if _is_unknown(detail)}
        for detail in details:
            if detail["type"] != "missing" or detail["loc"] not in meant:
                path = _real_path(tree, detail["loc"])
                _report(detail, path, report, is_foreign=is_foreign)
        for detail in details:
            _leave_out(tree, detail)
    report.error((), "cannot be read", "mend what is reported of it first")
    return model()


def _report(detail: ErrorDetails, path: _Steps, report: Report, *, is_foreign: bool) -> None:
    if _is_unknown(detail):
        meant = _meant(detail["loc"])
        message = "there is no such setting"
        hint = (
            f"did you mean {meant}?" if meant else f"the settings here are {', '.join(_names_at(detail['loc']))}"
        )
        if is_foreign and "sandbox" not in path[2:]:
            report.warn(path, f"{message}; it is ignored", hint)
        else:
            report.error(path, message, hint)
        return
    report.error(path, *explain(detail))


def _real_path(tree: Any, loc: Sequence[str | int]) -> _Steps:
    """`loc` in the tree as it was written: validators see lists where one item may stand alone."""
    path: list[str | int] = []
    here = tree
    for position, step in enumerate(loc):
        if isinstance(here, dict) and isinstance(step, str) and step != "[key]":
            inside = cast("dict[str, Any]", here)
            if step not in inside and position < len(loc) - 1:
                continue  # a validator has put it there
            path.append(step)
            here = inside.get(step)
        elif isinstance(here, list) and isinstance(step, int) and step < len(cast("list[Any]", here)):
            path.append(step)
            here = cast("list[Any]", here)[step]
    return tuple(path)


def _leave_out(tree: dict[str, Any], detail: ErrorDetails) -> None:
    """Take what is wrong out of the tree: the nearest entry of a mapping, as lists keep their indexes."""
    path = _real_path(tree, detail["loc"])
    if detail["type"] == "missing":
        path = path[:-1]
    while path and isinstance(path[-1], int):
        path = path[:-1]
    if path[:1] == ("models",) and path[2:3] == ("deployments",):
        path = path[:2]  # without its deployments, it would be taken for one itself
    indexes = [at for at, step in enumerate(path) if isinstance(step, int)]
    if indexes:
        path = path[: indexes[0]]
    here: Any = tree
    for step in path[:-1]:
        here = cast("dict[str, Any]", here).get(str(step)) if isinstance(here, dict) else None
    if path and isinstance(here, dict):
        cast("dict[str, Any]", here).pop(str(path[-1]), None)


_MAPPING = "write `name: value` lines beneath it"
_EXPLAINED: Mapping[str, tuple[str, str | None]] = {
    "missing": ("is missing", None),
    "string_type": ("must be a string", "put it in quotes"),
    "string_too_short": ("must not be empty", None),
    "string_too_long": ("is too long", None),
    "list_type": ("must be a list", "write [a, b], or one `- item` per line"),
    "dict_type": ("must be a mapping", _MAPPING),
    "model_type": ("must be a mapping", _MAPPING),
    "model_attributes_type": ("must be a mapping", _MAPPING),
    "too_short": ("must not be empty", None),
    "int_type": ("must be a whole number", None),
    "int_parsing": ("must be a whole number", None),
    "int_parsing_size": ("must be a whole number", None),
    "int_from_float": ("must be a whole number", None),
    "float_type": ("must be a number", None),
    "float_parsing": ("must be a number", None),
    "finite_number": ("must be a number", None),
    "bool_type": ("must be true or false", None),
    "bool_parsing": ("must be true or false", None),
}
_BOUNDS = {
    "greater_than": ("must be more than {}", "gt"),
    "greater_than_equal": ("must be at least {}", "ge"),
    "less_than": ("must be less than {}", "lt"),
    "less_than_equal": ("must be at most {}", "le"),
    "too_long": ("has more than {} entries", "max_length"),
}


def explain(detail: ErrorDetails) -> tuple[str, str | None]:
    """What is wrong with a value, in words, and what to do."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "fault":
        return context["message"], context["hint"]
    if kind == "literal_error":
        return f"must be {context['expected']}", None
    if kind in _BOUNDS:
        form, name = _BOUNDS[kind]
        bound: int | float = context[name]
        return form.format(int(bound) if bound == int(bound) else bound), None
    return _EXPLAINED.get(kind, ("is not valid here", None))


# Which settings there are, by the shape of the path to them; `*` is any one step.
_SHAPES: Sequence[tuple[tuple[str, ...], type[BaseModel]]] = (
    ((), ConfigDocument),
    (("listen",), ListenDocument),
    (("mcp_endpoint",), McpEndpointDocument),
    (("providers", "*"), ProviderDocument),
    (("providers", "*", "timeout"), ProviderTimeoutDocument),
    (("providers", "*", "auth"), AuthDocument),
    (("providers", "*", "auth", "aws"), AwsAuthDocument),
    (("providers", "*", "auth", "google"), GoogleAuthDocument),
    (("providers", "*", "auth", "oauth2"), OAuth2AuthDocument),
    (("providers", "*", "queue"), QueueDocument),
    (("models", "*"), ModelDocument),
    (("models", "*", "deployments", "*"), ModelTargetDocument),
    (("models", "*", "deployments", "*", "price", "given"), PriceDocument),
    (("models", "*", "hedge"), HedgeDocument),
    (("models", "*", "rules", "*"), RuleDocument),
    (("models", "*", "rules", "*", "use"), PickDocument),
    (("routing",), RoutingDocument),
    (("routing", "breaker"), BreakerDocument),
    (("mcpServers", "*"), ServerDocument),
    (("mcpServers", "*", "sandbox"), SandboxDocument),
    (("mcpServers", "*", "operations"), OperationsDocument),
    (("keys", "*"), KeyDocument),
    (("identity",), IdentityDocument),
    (("identity", "issuers", "*"), IssuerDocument),
    (("identity", "issuers", "*", "keys", "*"), KeyRuleDocument),
    (("limits",), LimitsDocument),
    (("storage",), StorageDocument),
    (("storage", "audit"), AuditDocument),
    (("storage", "memory"), MemoryDocument),
)
_MEANT = {
    "servers": "mcpServers",
    "mcp": "mcpServers",
    "policies": "policy_files",
    "policy": "policy_files",
    "server": "listen",
    "timeouts": "timeout",
    "key": "secret",
    "token": "secret",
    "volumes": "mounts",
    "apikey": "api_key",
    "baseurl": "base_url",
}


def _is_unknown(detail: ErrorDetails) -> bool:
    return detail["type"] == "extra_forbidden"


def _meant(loc: Sequence[str | int]) -> str | None:
    """The setting whose name was probably misspelt."""
    names = {_plain(name): name for name in _names_at(loc)}
    key = _plain(str(loc[-1]))
    known = _plain(_MEANT.get(key, ""))
    near = [known] if known in names else difflib.get_close_matches(key, names, n=1)
    return names[near[0]] if near else None


def _names_at(loc: Sequence[str | int]) -> list[str]:
    """The settings that there are beside the one at `loc`."""
    beside = loc[:-1]
    for shape, model in _SHAPES:
        if len(shape) == len(beside) and all(
            part in ("*", step) for part, step in zip(shape, beside, strict=True)
        ):
            return [field.alias or name for name, field in model.model_fields.items()]
    return []


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
