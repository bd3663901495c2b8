r"""Regular expressions for policies, matched in time linear in the text.

The texts are the model's. A backtracking engine can be kept busy for years by thirty characters and a harmless
looking pattern; this one cannot, whatever the pattern. It reads the part of ECMA-262 that JSON Schema recommends
(2020-12, section 6.4): no look-around and no back-references, `$` is the very end of the text, and `\d`, `\w`
and `\b` are ASCII.

Above: the `pattern` keyword. Below: the standard library, without `re`. Refuses to know: schemas, policies.
"""

from tool_policies.regex.matcher import Regex, TextTooLong, compile_regex
from tool_policies.regex.syntax import InvalidRegex

__all__ = ["InvalidRegex", "Regex", "TextTooLong", "compile_regex"]
