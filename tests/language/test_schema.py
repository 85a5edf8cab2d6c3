"""The JSON Schemas for editors: what the reader takes they take, and wrong words they do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from accord.language.place import Source
from accord.language.schema import contract_schema, variation_schema
from accord.language.shape import conform
from accord.language.text import Entries, Items, Scalar, Tree, read_tree
from accord.language.vocabulary import CONTRACT, VARIATION

ROOT = Path(__file__).parents[2]
FOLDERS = ("tests/drafts", "src/accord/library/contracts")
CONTRACTS = sorted(path for folder in FOLDERS for path in ROOT.glob(f"{folder}/*/contract.yaml"))
VARIATIONS = {path for path in CONTRACTS if "\nvariation: " in path.read_text(encoding="utf-8")}
CONTRACT_SCHEMA = Draft202012Validator(contract_schema())
VARIATION_SCHEMA = Draft202012Validator(variation_schema())


def tree(text: str) -> Tree:
    return read_tree(Source("contract.yaml", text))


def data(tree: Tree) -> object:
    """A tree as JSON data: every value its own text, nothing at all is null."""
    match tree:
        case Scalar():
            return None if not tree.value and not tree.style else tree.value
        case Items():
            return [data(item) for item in tree.items]
        case Entries():
            return {key.value: data(value) for key, value in tree}


def typed(tree: Tree) -> object:
    """The same as an editor sees it, whose YAML reader makes numbers and flags of plain values."""
    match tree:
        case Scalar(value=value, style=""):
            try:
                return (
                    {"true": True, "false": False, "": None}[value] if value in ("true", "false", "") else float(value)
                )
            except ValueError:
                return value
        case Scalar(value=value):
            return value
        case Items():
            return [typed(item) for item in tree.items]
        case Entries():
            return {key.value: typed(value) for key, value in tree}


@pytest.mark.parametrize("schema", [contract_schema(), variation_schema()], ids=["contract", "variation"])
def test_they_are_json_schemas(schema: dict[str, object]) -> None:
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.parent.name)
@pytest.mark.parametrize("seen", [data, typed], ids=["as texts", "as an editor sees it"])
def test_every_contract_there_is_validates(path: Path, seen: object) -> None:
    instance = seen(tree(path.read_text(encoding="utf-8")))  # type: ignore[operator]
    schema = VARIATION_SCHEMA if path in VARIATIONS else CONTRACT_SCHEMA
    assert [f"{list(error.absolute_path)}: {error.message[:200]}" for error in schema.iter_errors(instance)] == []


START = """
accord: 1
contract: supplement
currency: GBP
term: {from: 2026-04-01, to: 2027-03-31}
keys: {practice: {}, year: {every: 12 months}}
inputs: {work: {keys: [practice, year], columns: {visits: people, sort: {type: text, optional: true}}}}
parameters: {fee: {unit: GBP per person, value: 10, authority: cl. 2}}
quantities: [{each: [practice, year], reward: {is: visits * fee, round: 0.01 GBP half_up}}]
payments: [{pay: reward, from: board, to: practice, negative: reverse}]
"""

WRONG = {
    "a section that there is not": ("payments:", "paymnts:"),
    "an entry of a column": ("optional: true", "optionl: true"),
    "an entry of a parameter": ("value: 10", "valeu: 10"),
    "an entry of a quantity": ("round: 0.01", "rounded: 0.01"),
    "an entry of a payment": ("negative: reverse", "negativ: reverse"),
    "no currency": ("currency: GBP\n", ""),
    "no currency that there is": ("currency: GBP\n", "currency: pounds\n"),
    "a word that is none of the few": ("negative: reverse", "negative: forward"),
    "a type that there is not": ("type: text", "type: number"),
    "a flag that is none": ("optional: true", "optional: yes"),
    "a date that is none": ("from: 2026-04-01", "from: 1 April 2026"),
    "a length of no period": ("every: 12 months", "every: year"),
    "a list that is none": ("keys: [practice, year], columns", "keys: practice, columns"),
    "a mapping that is none": ("inputs: {work", "inputs: [work"),
    "a name with capitals": ("reward: {is", "Reward: {is"),
    "another version": ("accord: 1", "accord: 2"),
    "a rounding without a rule": ("round: 0.01 GBP half_up", "round: 2"),
    "a payment to nobody": (", to: practice", ""),
}


@pytest.mark.parametrize(("old", "new"), WRONG.values(), ids=WRONG.keys())
def test_wrong_words_do_not_validate_and_are_refused_by_the_reader(old: str, new: str) -> None:
    assert old in START
    text = START.replace(old, new, 1)
    if new == "inputs: [work":
        text = text.replace("optional: true}}}}", "optional: true}}}]").replace("[work: {", "[{")
    read = tree(text)
    assert list(CONTRACT_SCHEMA.iter_errors(data(read))) != []
    assert conform(read, CONTRACT) != []


def test_the_start_itself_is_right() -> None:
    read = tree(START)
    assert list(CONTRACT_SCHEMA.iter_errors(data(read))) == []
    assert conform(read, CONTRACT) == []


def test_variations() -> None:
    good = f"accord: 1\nvariation: north\nof: mssp\nbase_hash: {'0f' * 32}\nfrom: 2026-04-01\n"
    good += (
        "replace: {parameters.fee.values: {a: 1, b: {c: [1, 2]}}}\nadd: {payments: [{pay: x}]}\nremove: [payments.y]\n"
    )
    assert list(VARIATION_SCHEMA.iter_errors(data(tree(good)))) == []
    assert conform(tree(good), VARIATION) == []
    for old, new in (
        ("0f0f", "0F0F"),
        ("of: mssp\n", ""),
        ("remove:", "removes:"),
        ("remove: [payments.y]", "remove: x"),
    ):
        wrong = tree(good.replace(old, new))
        assert list(VARIATION_SCHEMA.iter_errors(data(wrong))) != []
        assert conform(wrong, VARIATION) != []
