"""Values as lines of YAML that our own reader takes for the same values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import yaml


class _Dumper(yaml.SafeDumper):
    """Puts into quotes what our reader would take for a number, too: YAML 1.1, which PyYAML writes, has fewer."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Lists stand beneath their keys, as people write them."""
        super().increase_indent(flow, indentless=False)


_NUMBER = r"0o[0-7]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
cast("Any", _Dumper).add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(rf"(?:{_NUMBER})\Z", re.ASCII), list("+-.0123456789")
)

_LINE_ENDS = re.compile("[\x85\u2028\u2029]")
"""What ends lines for YAML and for Python, although nobody sees it: left as it is, whoever indents adds to it."""


def _represent_text(dumper: Any, text: str) -> Any:
    style = '"' if _LINE_ENDS.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


cast("Any", _Dumper).add_representer(str, _represent_text)


def yaml_lines(value: Mapping[str, Any]) -> str:
    """The entries of a mapping, each beginning a line."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
