"""Wrong contracts: malformed or hostile files, each with the message that must come, at the place it must name.

``wrong/*.yaml`` say in their first lines what is expected::

    # expect: LINE:COLUMN: a fragment of the message
    # fix: a fragment of the fix

one pair for each error, and no other error may come: nothing that merely follows from another. Files too large or
too deep to keep are made here. Never a traceback, never a file opened outside the contract's folder, never one written.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from accord.language import check, check_text
from accord.language.problem import ContractRefused, Problem

WRONG = Path(__file__).parent / "wrong"
FILES = sorted(WRONG.glob("*.yaml"))

# -- what is expected -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expected:
    """One error: where, and what its message and its fix must contain."""

    line: int
    column: int
    message: str
    fix: str = ""


def expected_in(file: Path) -> list[Expected]:
    """The errors that a file's first lines announce."""
    found: list[Expected] = []
    for line in file.read_bytes().decode("utf-8", "replace").split("\n"):
        if match := re.fullmatch(r"# expect: (\d+):(\d+): ?(.*)", line):
            found.append(Expected(int(match[1]), int(match[2]), match[3]))
        elif (match := re.fullmatch(r"# fix: (.*)", line)) and found:
            found[-1] = Expected(found[-1].line, found[-1].column, found[-1].message, match[1])
        elif not line.startswith("#"):
            break
    return found


def errors(file: Path) -> list[Problem]:
    """The errors of a file that must be refused."""
    with nothing_else_touched(file.parent):
        try:
            check(file)
        except ContractRefused as refused:
            return [problem for problem in refused.problems if problem.severity == "error"]
    pytest.fail(f"{file.name} was not refused")


# -- no side effects --------------------------------------------------------------------------------------------------

_watched: list[tuple[str, str]] | None = None


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _watched is None:
        return
    if event == "open":
        path, mode = str(arguments[0]), str(arguments[1] or "r")
        _watched.append(("write" if set(mode) & set("wax+") else "read", path))
    elif event.split(".")[0] in ("subprocess", "socket", "shutil") or event in (
        "os.system",
        "os.exec",
        "os.fork",
        "os.posix_spawn",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "os.link",
        "os.truncate",
        "exec",
        "ctypes.dlopen",
    ):
        if event == "exec" and "importlib" in repr(sys._getframe(1)):
            return
        if event in ("exec", "ctypes.dlopen"):
            return  # lazy imports run code objects of installed modules
        _watched.append((event, repr(arguments)[:200]))


sys.addaudithook(_hook)


@contextmanager
def nothing_else_touched(folder: Path) -> Iterator[None]:
    """Fails if anything but files of ``folder`` (and installed Python modules) is opened, or anything is written."""
    global _watched
    _watched = []
    installed = [Path(path).resolve() for path in (*sys.path, sys.prefix, sys.base_prefix) if path]
    try:
        yield
    finally:
        seen, _watched = _watched, None
    for what, path in seen:
        if what == "read" and (path.isdigit() or path == "<fdopen>"):
            continue
        if what == "write" and ".pyc" in path:
            continue  # Python's own cache of a module imported for the first time
        assert what == "read", f"checking a contract did {what}: {path}"
        real = Path(path).resolve()
        inside = real.is_relative_to(folder.resolve())
        module = real.suffix in (".py", ".pyc", ".so") and any(real.is_relative_to(root) for root in installed)
        assert inside or module, f"checking a contract opened {path}"


# -- the corpus -------------------------------------------------------------------------------------------------------


def test_the_corpus_is_large_enough() -> None:
    assert len(FILES) >= 60


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_wrong_contract_gets_its_message_at_its_place_and_no_other(file: Path) -> None:
    expected = expected_in(file)
    assert expected, "the file says what is expected of it"
    found = errors(file)
    said = "\n".join(map(str, found))
    assert len(found) == len(expected), said
    for wanted in expected:
        at = [p for p in found if (p.place.line, p.place.column) == (wanted.line, wanted.column)]
        assert at, f"nothing is said at {wanted.line}:{wanted.column}; said was\n{said}"
        assert any(wanted.message in p.message and wanted.fix in p.fix for p in at), said


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_messages_keep_to_the_standard(file: Path) -> None:
    for problem in errors(file):
        text = f"{problem.message}\n{problem.fix}"
        assert problem.message, "says what is wrong"
        assert len(problem.message) < 400, "concise"
        assert "Traceback" not in text and "object at 0x" not in text and "Scalar(" not in text
        assert "None" not in text.split(), "speaks of the contract, not of Python"


# -- files made here --------------------------------------------------------------------------------------------------

SMALL = """accord: 1
contract: small
currency: GBP
term: {from: 2026-04-01, to: 2028-03-31}
keys: {practice: {}, year: {every: 12 months}}
parties: {board: {name: The board}, practice: {each: practice}}
inputs: {practices: {keys: [practice, year], columns: {list_size: {unit: people, min: 1}}}}
parameters: {fee: {unit: GBP per person, value: 2, authority: clause 1}}
quantities:
  - each: [practice, year]
    pay: {is: FORMULA, round: 0.01 GBP half_up}
payments: [{pay: pay, from: board, to: practice}]
"""


def refused(text: str, files: Mapping[str, bytes] | None = None) -> list[Problem]:
    """The problems of a text that must be refused."""
    with pytest.raises(ContractRefused) as caught:
        check_text(text, files=dict(files or {}))
    return list(caught.value.problems)


def test_the_small_contract_itself_is_good() -> None:
    assert check_text(SMALL.replace("FORMULA", "list_size * fee")).payments


def test_a_text_of_a_list_and_any_text_are_any_text() -> None:
    """What one branch can say is no list for the other: comparing with a third text is then no slip."""
    text = SMALL.replace("min: 1}}", "min: 1}, kind: {type: text}}").replace(
        "    pay: {is: FORMULA",
        "    said: case when list_size > limit then 'large' else kind end\n"
        "    pay: {is: list_size * case when said = 'small' then fee else 0 end",
    )
    assert check_text(text.replace("parameters: {", "parameters: {limit: {unit: people, value: 9, authority: x}, "))


def test_rows_whose_key_has_a_slip_are_not_second_rows() -> None:
    rows = "rows: [{practise: A, weight: 1}, {practise: B, weight: 2}]"
    table = f"tables: {{t: {{keys: [practice], columns: {{weight: ratio}}, {rows}, authority: x}}}}\nparameters:"
    problems = refused(SMALL.replace("parameters:", table).replace("FORMULA", "list_size * fee * weight"))
    assert [problem.fix for problem in problems if "practise" in problem.message] == ["did you mean practice?"] * 2
    assert not [problem for problem in problems if "second row" in problem.message]


def test_a_file_of_100_megabytes_is_refused_at_once(tmp_path: Path) -> None:
    file = tmp_path / "contract.yaml"
    with file.open("wb") as out:
        for _ in range(100):
            out.write(b"# a line that nobody reads\n" * 40_000)
    assert file.stat().st_size > 100_000_000
    began = time.perf_counter()
    (problem,) = errors(file)
    assert "bytes" in problem.message and "2,000,000" in problem.message
    assert time.perf_counter() - began < 2


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    zero = Path("/dev/zero")
    if not zero.exists():
        pytest.skip("this system has no /dev/zero")
    link = tmp_path / "contract.yaml"
    link.symlink_to(zero)
    with pytest.raises(ContractRefused):
        check(link)


def test_ten_thousand_brackets_in_yaml() -> None:
    (problem,) = refused("a: " + "[" * 10_000 + "]" * 10_000)
    assert "nests more than" in problem.message


def test_ten_thousand_brackets_in_a_formula() -> None:
    (problem,) = refused(SMALL.replace("FORMULA", "(" * 9_000 + "list_size" + ")" * 9_000))
    assert "nests more than" in problem.message


@pytest.mark.parametrize("sign", ["+", "*", "and", "- -"])
def test_a_formula_of_thousands_of_operators(sign: str) -> None:
    (problem,) = refused(SMALL.replace("FORMULA", f" {sign} ".join(["list_size"] * 1_300)))
    assert "too long" in problem.message or "nests more than" in problem.message


def test_a_formula_too_long_to_read() -> None:
    (problem,) = refused(SMALL.replace("FORMULA", "list_size" + " " * 30_000 + "* fee"))
    assert "characters" in problem.message


def test_a_yaml_bomb_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    began = time.perf_counter()
    problems = refused("\n".join(lines))
    assert "anchors and aliases" in problems[0].message
    assert time.perf_counter() - began < 1


def test_a_thousand_wrong_lines_give_a_thousand_messages_and_soon() -> None:
    rows = "\n".join(f"    q{i}: list_sise_{i} * fee" for i in range(1_000))
    began = time.perf_counter()
    problems = refused(SMALL.replace("    pay: {is: FORMULA, round: 0.01 GBP half_up}", rows))
    assert sum("list_sise" in problem.message for problem in problems) == 1_000
    assert time.perf_counter() - began < 20


def test_one_wrong_name_on_a_thousand_lines_gives_one_message() -> None:
    rows = "\n".join(f"    q{i}: list_sise * fee" for i in range(1_000))
    problems = refused(SMALL.replace("    pay: {is: FORMULA, round: 0.01 GBP half_up}", rows))
    (named,) = [problem for problem in problems if "list_sise" in problem.message]
    assert "also on line" in named.message and "992 more" not in named.message and "and 991 more" in named.message


def test_quantities_that_each_need_the_one_before_a_thousand_deep() -> None:
    rows = ["    q0: list_size"] + [f"    q{i}: q{i - 1} + list_size" for i in range(1, 1_000)]
    rows += ["    pay: {is: q999 * fee, round: 0.01 GBP half_up}"]
    contract = check_text(SMALL.replace("    pay: {is: FORMULA, round: 0.01 GBP half_up}", "\n".join(rows)))
    assert len(contract.quantities) == 1_001


def test_a_thousand_quantities_each_of_which_needs_the_one_after() -> None:
    rows = [f"    q{i}: q{i + 1} + list_size" for i in range(999)] + ["    q999: list_size"]
    rows += ["    pay: {is: q0 * fee, round: 0.01 GBP half_up}"]
    contract = check_text(SMALL.replace("    pay: {is: FORMULA, round: 0.01 GBP half_up}", "\n".join(rows)))
    assert len(contract.quantities) == 1_001


def test_a_circle_of_a_thousand() -> None:
    rows = [f"    q{i}: q{(i + 1) % 1_000} + list_size" for i in range(1_000)]
    rows += ["    pay: {is: q0 * fee, round: 0.01 GBP half_up}"]
    problems = refused(SMALL.replace("    pay: {is: FORMULA, round: 0.01 GBP half_up}", "\n".join(rows)))
    assert len(problems) == 1 and "define each other" in problems[0].message
    assert len(problems[0].message) < 2_000


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_other_encodings(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "contract.yaml"
    file.write_bytes(SMALL.replace("FORMULA", "list_size * fee").encode(encoding))
    (problem,) = errors(file)
    assert "UTF-8" in problem.message + problem.fix


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "contract.yaml"
    text = SMALL.replace("FORMULA", "list_size * fee")
    file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert check(file).payments


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    file = tmp_path / "contract.yaml"
    for content in (
        bytes(range(256)) * 20,
        b"PK\x03\x04" + bytes(100),
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        b"\x7fELF\x02",
    ):
        file.write_bytes(content)
        assert errors(file)


def test_a_really_empty_file_and_one_of_spaces(tmp_path: Path) -> None:
    for content in (b"", b"   \n\n  \n", b"\n", b"---\n", b"...\n", b"# nothing\n"):
        (tmp_path / "contract.yaml").write_bytes(content)
        assert errors(tmp_path / "contract.yaml")


def test_no_such_file_and_a_folder_without_a_contract(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.yaml", tmp_path):
        with pytest.raises(ContractRefused) as caught:
            check(path)
        assert caught.value.problems[0].fix or "no" in caught.value.problems[0].message


TABLE = SMALL.replace("FORMULA", "list_size * fee * weight").replace(
    "parameters:",
    "tables: {kinds: {keys: [practice], columns: {weight: ratio}, file: FILE, authority: annex}}\nparameters:",
)


def test_a_table_file_may_not_be_a_link_out_of_the_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("practice,weight\nA,1\n")
    folder = tmp_path / "contract"
    folder.mkdir()
    (folder / "kinds.csv").symlink_to(outside)
    (folder / "contract.yaml").write_text(TABLE.replace("FILE", "kinds.csv"))
    (problem,) = errors(folder / "contract.yaml")
    assert "kinds.csv" in problem.message and "folder" in problem.message


@pytest.mark.parametrize(
    "name", ["../outside.csv", "..%2Foutside.csv", "sub/kinds.csv", "/etc/hosts", "~/kinds.csv", "CON"]
)
def test_a_table_file_may_not_be_named_out_of_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside.csv").write_text("practice,weight\nA,1\n")
    folder = tmp_path / "contract"
    folder.mkdir()
    (folder / "contract.yaml").write_text(TABLE.replace("FILE", name))
    assert len(errors(folder / "contract.yaml")) == 1


@pytest.mark.parametrize(
    ("content", "fragment", "line"),
    [
        (b"practice,weight\nA,1\nA,2\n", "a second row of kinds for A", 3),
        (b"practice,weight\nA,1,2\n", "this row has 3 values", 2),
        (b"practice,wait\nA,1\n", "lacks weight", 1),
        (b"practice,weight\nA,high\n", "high is not a number", 2),
        (b"practice,weight\nA,\n", "kinds.weight is missing", 2),
        (b"practice,weight\n,1\n", "the key practice is missing", 2),
        (b"practice,weight\ncaf\xe9,1\n", "UTF-8", 1),
        (b"", "header", 1),
        (b'practice,weight\n"A,1\n', "", 2),
    ],
)
def test_a_table_file_that_is_wrong(tmp_path: Path, content: bytes, fragment: str, line: int) -> None:
    (tmp_path / "kinds.csv").write_bytes(content)
    (tmp_path / "contract.yaml").write_text(TABLE.replace("FILE", "kinds.csv"))
    (problem,) = errors(tmp_path / "contract.yaml")
    assert fragment in problem.message
    assert problem.place.file.endswith("kinds.csv") and problem.place.line == line


def test_a_table_file_of_100_megabytes(tmp_path: Path) -> None:
    with (tmp_path / "kinds.csv").open("wb") as out:
        out.write(b"practice,weight\n")
        for _ in range(100):
            out.write(b"A,1\n" * 260_000)
    (tmp_path / "contract.yaml").write_text(TABLE.replace("FILE", "kinds.csv"))
    began = time.perf_counter()
    (problem,) = errors(tmp_path / "contract.yaml")
    assert "kinds.csv" in str(problem)
    assert time.perf_counter() - began < 5


# -- variations -------------------------------------------------------------------------------------------------------


def _variation(folder: Path, body: str, base: str = SMALL.replace("FORMULA", "list_size * fee")) -> Path:
    (folder / "base").mkdir()
    (folder / "base" / "contract.yaml").write_text(base)
    file = folder / "variation.yaml"
    signed = check(folder / "base").signed_hash
    file.write_text(f"accord: 1\nvariation: small-2\nof: base\nbase_hash: {body.replace('HASH', signed)}")
    return file


def test_a_variation_of_the_signed_base_is_good(tmp_path: Path) -> None:
    file = _variation(tmp_path, "HASH\nreplace: {parameters.fee.value: 3}\n")
    assert check(file).name == "small-2"


def test_a_variation_whose_base_has_changed(tmp_path: Path) -> None:
    file = _variation(tmp_path, "HASH\nreplace: {parameters.fee.value: 3}\n")
    base = tmp_path / "base" / "contract.yaml"
    base.write_text(base.read_text().replace("value: 2", "value: 4"))
    (problem,) = [p for p in _problems_of(file) if p.severity == "error"]
    assert "hash" in problem.message or "changed" in problem.message
    assert (problem.place.line, problem.place.column) == (4, 12)


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        ("HASH\nreplace: {parameters.fea.value: 3}\n", 5, 11),
        ("HASH\nremove: [quantities.pey]\n", 5, 10),
        ("abc\nreplace: {parameters.fee.value: 3}\n", 4, 12),
        ("HASH\nfrom: 2031-04-01\nreplace: {parameters.fee.value: 3}\n", 5, 7),
    ],
)
def test_a_variation_that_fits_nothing(tmp_path: Path, body: str, line: int, column: int) -> None:
    (problem,) = [p for p in _problems_of(_variation(tmp_path, body)) if p.severity == "error"]
    assert (problem.place.line, problem.place.column) == (line, column), str(problem)


def test_a_variation_of_itself(tmp_path: Path) -> None:
    file = tmp_path / "variation.yaml"
    file.write_text(f"accord: 1\nvariation: small-2\nof: variation.yaml\nbase_hash: {'0' * 64}\n")
    (problem,) = _problems_of(file)
    assert (problem.place.line, problem.place.column) == (3, 5)


def test_two_variations_of_each_other(tmp_path: Path) -> None:
    for one, other in (("a.yaml", "b.yaml"), ("b.yaml", "a.yaml")):
        (tmp_path / one).write_text(f"accord: 1\nvariation: v\nof: {other}\nbase_hash: {'0' * 64}\n")
    (problem,) = _problems_of(tmp_path / "a.yaml")
    assert problem.place.line == 3


@pytest.mark.parametrize(
    "change",
    [
        "add: {quantities: [{each: [practice, year], more: pay}], payments: [{pay: more, from: board, to: practice}]}",
        "remove: [payments.pay]",
    ],
)
def test_what_cannot_begin_inside_the_term_is_refused_and_not_backdated(tmp_path: Path, change: str) -> None:
    problems = _problems_of(_variation(tmp_path, f"HASH\nfrom: 2027-04-01\n{change}\n"))
    assert all(problem.place.line == 6 for problem in problems), [str(p) for p in problems]
    assert "term" in problems[0].message


def test_a_variation_may_not_reach_out_of_its_folder(tmp_path: Path) -> None:
    file = _variation(tmp_path, "HASH\nreplace: {parameters.fee.value: 3}\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    moved = inner / "variation.yaml"
    moved.write_text(file.read_text().replace("of: base", "of: ../base"))
    assert _problems_of(moved)


def _problems_of(file: Path) -> list[Problem]:
    with pytest.raises(ContractRefused) as caught:
        check(file)
    return list(caught.value.problems)


# -- worked examples are checked by settling them ----------------------------------------------------------------------

EXAMPLE = """examples:
  - title: one practice
    given: {practices: [{practice: A, year: 2026-04-01, list_size: 1000}]}
    expect: {practices: [{practice: A, year: 2026-04-01, pay: VALUE}]}
"""


@pytest.mark.parametrize(
    ("value", "fragment"),
    [
        ("2000.01", "2000"),
        ("1999.995", "2000"),  # almost is not equal
        ("missing", "2000"),
        ("many", "2000"),
    ],
)
def test_an_example_that_does_not_hold(value: str, fragment: str) -> None:
    from accord.settlement.examples import run_examples

    text = SMALL.replace("FORMULA", "list_size * fee") + EXAMPLE.replace("VALUE", value)
    with pytest.raises(ContractRefused) as caught:
        run_examples(check_text(text))
    (problem,) = caught.value.problems
    assert fragment in problem.message.replace(",", "") and value in problem.message
    assert (problem.place.line, problem.place.column) == (16, 63)


def test_an_example_that_holds() -> None:
    from accord.settlement.examples import run_examples

    text = SMALL.replace("FORMULA", "list_size * fee") + EXAMPLE.replace("VALUE", "2_000.00")
    assert run_examples(check_text(text)) == 1
