"""Arithmetic on an expression's syntax tree: nothing is ever evaluated as Python."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Annotated

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

_MOST_BITS = 4096
"""The longest whole number, before, in and after every step: about 1,200 digits."""
_DEEPEST = 50

Number = int | float


def _power(base: Number, exponent: Number) -> Number:
    """Refuses before it computes: the result's length is known in advance, and it could be astronomic."""
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > _MOST_BITS:
        raise ToolError("the result would be too large")
    result = base**exponent
    if isinstance(result, complex):
        raise ToolError("the result is not a real number")
    return result


_BINARY: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
_UNARY: dict[type[ast.unaryop], Callable[[Number], Number]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_FUNCTIONS: dict[str, Callable[[Number], Number]] = {
    "abs": abs,
    "ceil": math.ceil,
    "cos": math.cos,
    "exp": math.exp,
    "floor": math.floor,
    "log": math.log,
    "log10": math.log10,
    "round": round,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tan": math.tan,
}
_CONSTANTS = {"pi": math.pi, "e": math.e}


def calculate(
    expression: Annotated[
        str,
        Field(
            description="Such as (2 + 3) * 4 ** 2 / sqrt(2). Also // % pi e and common functions", max_length=500
        ),
    ],
) -> str:
    """Calculate an arithmetic expression."""
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ToolError("this is not an arithmetic expression") from None
    try:
        return str(_value(tree.body, 0))
    except ZeroDivisionError:
        raise ToolError("division by zero") from None
    except (OverflowError, ValueError) as error:
        raise ToolError(f"cannot be calculated: {error}") from None


def _value(node: ast.expr, depth: int) -> Number:
    if depth > _DEEPEST:
        raise ToolError("the expression is nested too deeply")
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            result = value
        case ast.Name(id=name) if name in _CONSTANTS:
            result = _CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            result = _UNARY[type(op)](_value(operand, depth + 1))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            result = _BINARY[type(op)](_value(left, depth + 1), _value(right, depth + 1))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            result = _FUNCTIONS[name](_value(argument, depth + 1))
        case _:
            raise ToolError("only numbers, + - * / // % **, pi, e and common functions of one number are allowed")
    return _bounded(result)


def _bounded(number: Number) -> Number:
    if isinstance(number, int):
        if number.bit_length() > _MOST_BITS:
            raise ToolError("the result would be too large")
    elif not math.isfinite(number):
        raise ToolError("the result is not a finite number")
    return number
