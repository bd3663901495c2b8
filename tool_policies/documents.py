"""What a policy file looks like: the edge at which text becomes compiled values.

    version: 1
    policies:
      readers:
        description: for the team that only looks
        allow: ["files/read_*", "files/list_*", "time/*"]
        deny: ["*/write_*"]
        rules:
          - {id: inside-workspace, tools: ["files/*"], within: {path: /workspace, paths: /workspace}}
          - id: short-lists
            tools: ["files/list_*"]
            when: {required: [path]}
            require: {properties: {path: {type: string, maxLength: 200}}}
            else: ask

Every key is known and every value checked here: a key that was misspelt would be a rule that never was.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NoReturn, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from tool_policies.argument_schemas import ArgumentSchema, InvalidSchema
from tool_policies.findings import Path, Problem
from tool_policies.paths import root_of
from tool_policies.patterns import LONGEST, InvalidPattern, ToolPattern, parse_pattern

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_RESERVED_IDS = frozenset({"allow", "deny"})  # stand for the lists of these names where a rule is named
_MOST_PARTS = 8  # of a dotted argument name
_LONGEST_TEXT = 1000


def _fail(message: str, hint: str | None = None, problems: Sequence[Problem] = ()) -> NoReturn:
    context = {"message": message, "hint": hint, "problems": tuple(problems)}
    raise PydanticCustomError("policy", "{message}", context)


def _pattern(value: Any) -> ToolPattern:
    if not isinstance(value, str):
        _fail("a pattern must be a string", "write it as server/tool, in quotes")
    try:
        return parse_pattern(value)
    except InvalidPattern as error:
        _fail(error.message, error.hint)


def _version(value: Any) -> int:
    if type(value) is not int or value != 1:
        _fail("must be 1, the only version there is", "begin the file with `version: 1`")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        _fail(
            "a name has 1 to 64 letters, digits, dots, dashes and underscores, and begins with one of the former"
        )
    return value


def _rule_id(value: Any) -> str:
    name = _name(value)
    if name in _RESERVED_IDS:
        _fail(f"a rule cannot be called {name!r}, which stands for the list of that name", "choose another id")
    return name


def _schema(value: Any) -> ArgumentSchema:
    try:
        return ArgumentSchema(value)
    except InvalidSchema as error:
        _fail("not a JSON Schema for policies", problems=error.problems)


def _root(value: Any) -> str:
    root = root_of(value) if isinstance(value, str) else None
    if root is None:
        _fail("a root must be an absolute path without `.`, `..`, `%` and `\\`", "write it as /folder/folder")
    return root


def _argument(value: Any) -> str:
    parts = value.split(".") if isinstance(value, str) else []
    if not parts or len(parts) > _MOST_PARTS or not all(parts) or not value.isprintable():
        hint = "write path, or edits.path for the path of each of the edits; lists are walked through"
        _fail("an argument is named by words with dots between them", hint)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT:
        _fail(f"must be a string of 1 to {_LONGEST_TEXT} characters", "put it in quotes")
    return value


_PATTERN_SCHEMA = {"type": "string", "pattern": "^[^/]+/.+$", "maxLength": LONGEST, "examples": ["files/read_*"]}
_DIALECT = {"$ref": "https://json-schema.org/draft/2020-12/schema"}
_NAME_SCHEMA = {"type": "string", "pattern": f"^{_NAME.pattern}$"}

Pattern = Annotated[ToolPattern, PlainValidator(_pattern), WithJsonSchema(_PATTERN_SCHEMA)]
Root = Annotated[str, PlainValidator(_root), WithJsonSchema({"type": "string", "pattern": "^/"})]
Version = Annotated[int, PlainValidator(_version), WithJsonSchema({"const": 1})]
Name = Annotated[str, PlainValidator(_name), WithJsonSchema(_NAME_SCHEMA)]
RuleId = Annotated[str, PlainValidator(_rule_id), WithJsonSchema(_NAME_SCHEMA)]
Argument = Annotated[str, PlainValidator(_argument), WithJsonSchema({"type": "string", "minLength": 1})]
# These are None when they are left out, but refuse a null: `require:` with nothing after it is a slip.
Schema = Annotated[ArgumentSchema | None, PlainValidator(_schema), WithJsonSchema(_DIALECT)]
RelativeBase = Annotated[str | None, PlainValidator(_root), WithJsonSchema({"type": "string", "pattern": "^/"})]
Text = Annotated[
    str | None,
    PlainValidator(_text),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": _LONGEST_TEXT}),
]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


class RuleDocument(_Document):
    """What must hold for some calls."""

    id: RuleId = Field(description="Unique in its policy; decisions and the audit trail name it.")
    description: Text = None
    tools: list[Pattern] = Field(min_length=1, description="The tools that the rule is about.")
    when: Schema = Field(None, description="JSON Schema of the arguments that the rule is about; all if left out.")
    require: Schema = Field(None, description="JSON Schema that the arguments must meet; false never holds.")
    within: dict[Argument, Root] = Field(
        default_factory=dict[str, str], description="The folder that each of these arguments must lie beneath."
    )
    relative_to: RelativeBase = Field(
        None,
        description="The folder that the server takes relative paths from; if left out, they are refused.",
    )
    otherwise: Literal["deny", "ask"] = Field(
        "deny", alias="else", description="What becomes of a call for which the rule does not hold."
    )
    message: Text = Field(None, description="Told to the model when the rule does not hold.")

    @model_validator(mode="after")
    def _checks_something(self) -> RuleDocument:
        if self.require is None and not self.within:
            hint = "add `require: false` to refuse (or, with `else: ask`, to ask about) every call it applies to"
            _fail("a rule without `require` and `within` checks nothing", hint)
        if self.relative_to is not None and not self.within:
            _fail("`relative_to` means nothing without `within`", "remove it, or add `within`")
        return self


class PolicyDocument(_Document):
    """What may be called, and under which rules."""

    description: Text = None
    allow: list[Pattern] = Field(default_factory=list[ToolPattern], description="Tools that may be used.")
    deny: list[Pattern] = Field(default_factory=list[ToolPattern], description="Tools that may never be used.")
    rules: list[RuleDocument] = Field(default_factory=list[RuleDocument])


class PolicyFileDocument(_Document):
    """A file of tool policies."""

    version: Version
    policies: dict[Name, PolicyDocument]


def policy_schema() -> dict[str, Any]:
    """JSON Schema of a policy file, for editors. They check less with it than `load_policies` does."""
    schema = _without_null_defaults(PolicyFileDocument.model_json_schema(by_alias=True))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "toolgate tool policies"}


def _without_null_defaults(schema: Any) -> Any:
    """None stands for a key that is left out; a file may not say null."""
    if isinstance(schema, list):
        return [_without_null_defaults(inner) for inner in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    members = cast("dict[str, Any]", schema).items()
    return {key: _without_null_defaults(value) for key, value in members if (key, value) != ("default", None)}


def read_document(value: Any) -> tuple[PolicyFileDocument | None, list[Problem]]:
    """The document that a file's value is, or everything that keeps it from being one."""
    try:
        return PolicyFileDocument.model_validate(value), []
    except ValidationError as error:
        return None, [problem for detail in error.errors() for problem in _problems(detail)]


def _problems(detail: ErrorDetails) -> list[Problem]:
    path = tuple(step for step in detail["loc"] if step != "[key]")
    if detail["type"] == "policy":
        context = detail.get("ctx", {})
        inner = cast("tuple[Problem, ...]", context["problems"])
        if inner:
            return [problem.beneath(path) for problem in inner]
        return [Problem(path, context["message"], context["hint"])]
    if detail["type"] == "extra_forbidden":
        return [_unknown_key(path)]
    return [Problem(path, *_EXPLAINED.get(detail["type"], (detail["msg"], None)))]


_EXPLAINED: dict[str, tuple[str, str | None]] = {
    "missing": ("is missing", None),
    "list_type": ("must be a list", "write [a, b], or one `- item` per line"),
    "dict_type": ("must be a mapping", "write `key: value` lines beneath it"),
    "model_type": ("must be a mapping", "write `key: value` lines beneath it"),
    "string_type": ("must be a string", "put it in quotes"),
    "too_short": ("must not be empty", None),
    "string_too_short": ("must not be empty", None),
}


def _unknown_key(path: Path) -> Problem:
    known = _keys_at(path[:-1])
    close = difflib.get_close_matches(str(path[-1]), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
    return Problem(path, f"unknown key {str(path[-1])[:80]!r}", hint)


def _keys_at(path: Path) -> list[str]:
    """The keys that a mapping may have: the root's, a policy's or a rule's, by its depth."""
    model: type[BaseModel] = {0: PolicyFileDocument, 2: PolicyDocument}.get(len(path), RuleDocument)
    return [field.alias or name for name, field in model.model_fields.items()]
