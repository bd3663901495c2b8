from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.requirements import LOOP_CONTRACT

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("sentence", LOOP_CONTRACT)
def test_every_sentence_of_the_loops_contract_names_tests_that_exist(sentence: str):
    assert LOOP_CONTRACT[sentence]
    for place in LOOP_CONTRACT[sentence]:
        path, _, name = place.partition("::")
        tree = ast.parse((ROOT / path).read_text())
        tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert name in tests, place
