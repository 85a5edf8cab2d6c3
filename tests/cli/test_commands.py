"""Every command as a person meets it: what it prints, how it ends, and what it says when something is wrong."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO

import duckdb
import jsonschema
import pytest

SOURCE = Path(__file__).parents[2] / "src"
COMMANDS = [
    *(
        "new",
        "check",
        "show",
        "prepare",
        "settle",
        "rerun",
        "explain",
        "income",
        "marginal",
        "verify",
        "diff",
        "library",
    ),
    "schema",
]


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def supplement(command, tmp_path: Path) -> Path:
    """The starting contract with data for two practices."""
    assert command("new", "supplement").code == 0
    write(
        tmp_path / "data",
        lists="practice,year,list_size\nA,2026-04-01,10000\nB,2026-04-01,5001\n",
        reviews="practice,quarter,due,done\n"
        + "".join(
            f"{practice},{quarter},100,{done}\n"
            for practice, done in (("A", 75), ("B", 100))
            for quarter in ("2026-04-01", "2026-07-01", "2026-10-01", "2027-01-01")
        ),
    )
    return tmp_path / "supplement"


# -- help ----------------------------------------------------------------------------------------------------------


def test_help_names_every_command_in_a_line(command) -> None:
    said = command("--help").out
    for name in COMMANDS:
        line = next(line for line in said.splitlines() if line.strip().startswith(f"{name} "))
        assert not line.rstrip().endswith("...")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(command, name: str) -> None:
    ended = command(name, "--help")
    assert ended.code == 0 and "Usage:" in ended.out and "--json" in ended.out


def test_version(command) -> None:
    assert command("--version").out.startswith("accord 0.")


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["check"], ["settle", "mssp"], ["check", "mssp", "--nonsense"], ["explain"]],
    ids=lambda arguments: " ".join(arguments),
)
def test_wrong_usage_ends_with_2(command, arguments: list[str]) -> None:
    ended = command(*arguments)
    assert ended.code == 2 and ended.err and "Traceback" not in ended.err


# -- new and check -------------------------------------------------------------------------------------------------


def test_a_new_contract_checks_as_it_stands(command, supplement: Path) -> None:
    ended = command("check", supplement)
    assert (ended.code, ended.err) == (0, "")
    assert "1 settled, it holds" in ended.out
    assert "2 are unverified" in ended.out
    assert (supplement / "data" / "lists.csv").read_text() == "practice,year,list_size\n"


def test_a_contract_is_a_name_a_file_or_a_folder(command, supplement: Path) -> None:
    hashes = {
        command("check", named, "--json", "--no-examples").json["signed_hash"]
        for named in (supplement, supplement / "contract.yaml")
    }
    assert len(hashes) == 1
    assert command("check", "payment-scheme", "--no-examples").code == 0


def test_new_overwrites_nothing(command, supplement: Path) -> None:
    before = (supplement / "contract.yaml").read_bytes()
    ended = command("new", "supplement")
    assert ended.code == 2 and "is there already" in ended.err
    assert (supplement / "contract.yaml").read_bytes() == before


@pytest.mark.parametrize("name", ["My Contract", "../up", "", "-x", "Ä"])
def test_new_wants_a_plain_name(command, name: str) -> None:
    ended = command("new", "--", name)
    assert ended.code == 2 and "fix:" in ended.err


def test_blank_inputs_for_a_contract_that_exists(command, tmp_path: Path) -> None:
    ended = command("new", "payment-scheme", "--inputs-only", "--folder", tmp_path / "blank", "--json")
    written = ended.json["written"]
    assert any(path.endswith("activity.csv") for path in written)
    header = (tmp_path / "blank" / "activity.csv").read_text().strip()
    assert header.startswith("provider,commissioner,")


def wrong(supplement: Path, old: str, new: str) -> Path:
    text = (supplement / "contract.yaml").read_text(encoding="utf-8")
    assert old in text
    path = supplement / "wrong.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_a_refused_contract_ends_with_3_place_and_fix(command, supplement: Path) -> None:
    file = wrong(supplement, "list_size * price", "list_sise * price")
    ended = command("check", file)
    assert ended.code == 3 and ended.out == ""
    assert "wrong.yaml:" in ended.err and "did you mean list_size?" in ended.err
    problem = command("check", file, "--json").json["problems"][0]
    assert problem["line"] > 1 and problem["fix"] == "did you mean list_size?"


def test_an_example_that_does_not_hold_is_a_refusal(command, supplement: Path) -> None:
    ended = command("check", wrong(supplement, "payment: 15840.00", "payment: 15840.01"))
    assert ended.code == 3
    assert "payment for practice A, year 2026/27 is 15840, and the example expects 15840.01" in ended.err


@pytest.mark.parametrize("named", ["mspp", "no-such-thing", "folder/contract.yaml", "x.yaml"])
def test_what_is_not_there_ends_with_6(command, named: str) -> None:
    ended = command("check", named)
    assert ended.code == 6 and "fix:" in ended.err
    assert command("check", named, "--json").json["ok"] is False


@pytest.mark.parametrize("out", ["nowhere/page.html", "folder"])
def test_a_file_that_cannot_be_written_ends_with_6(command, tmp_path: Path, out: str) -> None:
    (tmp_path / "folder").mkdir()
    ended = command("show", "payment-scheme", "--html", out)
    assert ended.code == 6 and ended.err.startswith(f"{out}: ") and "Traceback" not in ended.err
    assert command("show", "payment-scheme", "--html", out, "--json").json["problems"][0]["file"] == out


def ended_into(out: int | IO[bytes], *arguments: str) -> tuple[int, str]:
    """The exit code and stderr of a process of its own that prints into ``out``."""
    done = subprocess.run(
        [sys.executable, "-m", "accord", *arguments], stdout=out, stderr=subprocess.PIPE, cwd=SOURCE, timeout=120
    )
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize("arguments", [("show", "qof"), ("library",), ("library", "--json"), ("--help",)])
def test_a_pipe_that_somebody_closed_is_no_failure(arguments: tuple[str, ...]) -> None:
    """As in ``accord show qof | head -1``: 1 would mean that differences were found."""
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "wb") as pipe:
        assert ended_into(pipe, *arguments) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", [("show", "qof"), ("check", "qof", "--json")])
def test_what_cannot_be_printed_is_said(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        code, said = ended_into(full, *arguments)
    assert code == 6 and said.startswith("no space left on device\n    fix: free some space")


def test_a_file_where_a_folder_of_data_is_meant(command, supplement: Path) -> None:
    ended = command("settle", supplement, "--data", supplement / "contract.yaml", "--out", "runs")
    assert ended.code == 6 and "this is a file; data is a folder" in ended.err and "lists.csv, reviews.csv" in ended.err


def test_a_misspelt_library_name_is_recognised(command) -> None:
    assert "did you mean mssp" in command("check", "mspp").err


# -- library, schema, show -----------------------------------------------------------------------------------------


def test_library_lists_contracts_that_check(command) -> None:
    listed = {one["name"]: one for one in command("library", "--json").json}
    assert {"mssp", "reach", "payment-scheme"} <= set(listed)
    assert listed["payment-scheme"]["sample"]
    assert "payment-scheme" in command("library").out


def test_schema_accepts_the_starting_contract(command, supplement: Path) -> None:
    from ruamel.yaml import YAML

    schema = command("schema").json
    text = (supplement / "contract.yaml").read_text(encoding="utf-8")
    written = json.loads(json.dumps(YAML(typ="safe", pure=True).load(text), default=str))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert not list(jsonschema.Draft202012Validator(schema).iter_errors(written))


def test_show_prints_the_schedule(command) -> None:
    said = command("show", "payment-scheme").out
    for part in (
        "What is paid",
        "How it is worked out",
        "Figures",
        "What goes in",
        "What must hold",
        "Which text this is",
    ):
        assert part in said
    assert "unverified" in said


def test_show_writes_pages_and_documents(command, tmp_path: Path) -> None:
    ended = command("show", "payment-scheme", "--html", "s.html", "--docx", "s.docx")
    assert ended.code == 0
    page = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert "<script" not in page and "src=" not in page and 'lang="en"' in page and "<caption>" in page
    import docx

    text = "\n".join(paragraph.text for paragraph in docx.Document(str(tmp_path / "s.docx")).paragraphs)
    assert "How it is worked out" in text and "variation" in text


def test_show_escapes_what_a_stranger_wrote(command, supplement: Path, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>&\"'"
    file = wrong(supplement, "title: Supplement", f"title: '{evil.replace(chr(39), chr(39) * 2)}'")
    file.write_text(file.read_text().replace("note: registered patients", f"note: {evil[:25]} patients"))
    assert command("show", file, "--html", "s.html").code == 0
    page = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert "<script" not in page and "&lt;script&gt;" in page


# -- settle --------------------------------------------------------------------------------------------------------


def test_settle_pays_to_the_penny(command, supplement: Path, tmp_path: Path) -> None:
    ended = command("settle", supplement, "--data", "data", "--statement", "all", "--json")
    assert ended.code == 0
    assert ended.json["totals"] == [
        {
            "quantity": "payment",
            "stream": "participation",
            "from": "Exampleshire Integrated Care Board",
            "to": "2 × practice",
            "rows": 2,
            "amount": "24641.76",
        }
    ]
    folder = tmp_path / ended.json["folder"]
    payments = (folder / "payments.csv").read_text(encoding="utf-8").splitlines()
    assert payments[0].startswith("quantity,stream,practice,year,payer_party")
    assert [line.split(",")[-3] for line in payments[1:]] == ["15840.00", "8801.76"]
    assert sorted(path.name for path in (folder / "statements").iterdir() if path.suffix == ".xlsx") == [
        "board.xlsx",
        "practice-A.xlsx",
        "practice-B.xlsx",
    ]


def test_settle_says_what_it_made(command, supplement: Path) -> None:
    said = command("settle", supplement, "--data", "data", "--statement", "A").out
    for part in ("£24,641.76", "draft: 2 figures", "practice-A.html", "accord explain runs/supplement-"):
        assert part in said


def test_the_same_text_and_data_are_the_same_run(command, supplement: Path) -> None:
    first = command("settle", supplement, "--data", "data", "--json").json
    again = command("settle", supplement, "--data", "data", "--json").json
    assert (first["run"], first["folder"]) == (again["run"], again["folder"])
    assert (first["reused"], again["reused"]) == (False, True)


def test_rows_in_another_order_are_the_same_run(command, supplement: Path, tmp_path: Path) -> None:
    first = command("settle", supplement, "--data", "data", "--json").json
    lines = (tmp_path / "data" / "lists.csv").read_text().splitlines()
    write(tmp_path / "data", lists="\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    assert command("settle", supplement, "--data", "data", "--json").json["run"] == first["run"]


def test_a_what_if_is_another_run_and_says_so(command, supplement: Path, tmp_path: Path) -> None:
    real = command("settle", supplement, "--data", "data", "--json").json
    other = command("settle", supplement, "--data", "data", "--set", "for_reviews=0", "--statement", "A", "--json").json
    assert other["run"] != real["run"] and other["totals"][0]["amount"] == "26401.76"
    page = (tmp_path / other["folder"] / "statements" / "practice-A.html").read_text(encoding="utf-8")
    assert "This is a what-if" in page and "for_reviews = 0" in page
    assert "what if: for_reviews = 0" in command("settle", supplement, "--data", "data", "--set", "for_reviews=0").out


@pytest.mark.parametrize(
    ("what_if", "message"),
    [
        ("for_review=0", "did you mean for_reviews?"),
        ("for_reviews", "--set parameter=value"),
        ("for_reviews=", "--set"),
    ],
)
def test_a_what_if_that_is_none(command, supplement: Path, what_if: str, message: str) -> None:
    ended = command("settle", supplement, "--data", "data", "--set", what_if)
    assert ended.code == 2 and message in ended.err


def test_unknown_party(command, supplement: Path) -> None:
    ended = command("settle", supplement, "--data", "data", "--statement", "Z")
    assert ended.code == 2 and "no payment of this run is from or to Z" in ended.err


WRONG_DATA = {
    "no folder": (lambda data: shutil.rmtree(data), 6, "there is no such folder of data"),
    "no file": (lambda data: (data / "lists.csv").unlink(), 4, "there is no lists.csv"),
    "a misspelt file": (lambda data: (data / "lists.csv").rename(data / "list.csv"), 4, "did you mean list?"),
    "an empty value": (lambda data: write(data, lists="practice,year,list_size\nA,2026-04-01,\n"), 4, "list_size"),
    "not a number": (lambda data: write(data, lists="practice,year,list_size\nA,2026-04-01,many\n"), 4, "many"),
    "no column": (lambda data: write(data, lists="practice,year\nA,2026-04-01\n"), 4, "column list_size is missing"),
    "no year of the term": (lambda data: write(data, lists="practice,year,list_size\nA,1999,1\n"), 4, "1999"),
    "twice the same": (
        lambda data: write(data, lists="practice,year,list_size\nA,2026-04-01,1\nA,2026-04-01,2\n"),
        4,
        "A",
    ),
    "a check fails": (
        lambda data: write(data, reviews="practice,quarter,due,done\nA,2026-04-01,1,2\nB,2026-04-01,1,1\n"),
        5,
        "more reviews were done than were due",
    ),
}


@pytest.mark.parametrize("case", WRONG_DATA)
def test_wrong_data_writes_nothing(command, supplement: Path, tmp_path: Path, case: str) -> None:
    spoil, code, message = WRONG_DATA[case]
    spoil(tmp_path / "data")
    ended = command("settle", supplement, "--data", "data")
    assert ended.code == code
    assert message in ended.err and "Traceback" not in ended.err
    assert not list((tmp_path / "runs").glob("*")) if (tmp_path / "runs").exists() else True
    assert command("settle", supplement, "--data", "data", "--json").json["ok"] is False


# -- rerun, explain, diff ------------------------------------------------------------------------------------------


@pytest.fixture
def run(command, supplement: Path, tmp_path: Path) -> Path:
    return tmp_path / command("settle", supplement, "--data", "data", "--statement", "A", "--json").json["folder"]


def test_a_rerun_is_the_same_byte_for_byte(command, run: Path) -> None:
    ended = command("rerun", run, "--json")
    assert ended.code == 0 and ended.json["same"] and ended.json["compared"] >= 10


@pytest.mark.parametrize("name", ["payments.csv", "contract.yaml", "inputs/lists.parquet"])
def test_a_rerun_names_a_file_that_was_changed(command, run: Path, name: str) -> None:
    with (run / name).open("ab") as file:
        file.write(b"\n")
    ended = command("rerun", run)
    assert ended.code == 1 and f"{name} has been changed" in ended.out


def test_a_rerun_names_a_statement_that_was_changed(command, run: Path) -> None:
    statement = run / "statements" / "practice-A.csv"
    statement.write_text(statement.read_text(encoding="utf-8").replace("15840", "15841"), encoding="utf-8")
    ended = command("rerun", run)
    assert ended.code == 1 and "statements/practice-A.csv differs" in ended.out


def test_only_a_run_can_be_run_again(command, tmp_path: Path, run: Path) -> None:
    assert command("rerun", tmp_path / "runs" / "nothing").code == 6
    ended = command("rerun", tmp_path / "runs")
    assert ended.code == 6 and "did you mean" in ended.err


def test_explain_shows_formula_values_and_source(command, run: Path, tmp_path: Path) -> None:
    said = command("explain", run, "payment", "practice=A", "year=2026/27").out
    for part in ("£15,840.00", "list_size * price", "£1.76", "schedule 1", "unverified", "clause 2"):
        assert part in said
    tree = command("explain", run, "payment", "practice=A", "year=2026-04-01", "--json").json
    assert tree["value"] == "15840" and tree["inputs"]
    assert command("explain", run, "payment", "practice=A", "year=2026/27", "--html", "e.html").code == 0
    assert "<script" not in (tmp_path / "e.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["paymet", "practice=A", "year=2026/27"], "did you mean payment?"),
        (["payment", "practice=A"], "say practice=… year=…"),
        (["payment", "practice=Z", "year=2026/27"], "no row for practice Z"),
        (["payment", "practice=A", "year=2031/32"], "not a year"),
        (["payment", "A"], "key=value"),
        (["payment", "practice=A", "year=2026/27", "colour=red"], "none for colour"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_explain_says_what_it_needs(command, run: Path, arguments: list[str], message: str) -> None:
    ended = command("explain", run, *arguments)
    assert ended.code == 2 and message in ended.err


def test_diff_of_the_same_is_nothing(command, supplement: Path) -> None:
    ended = command("diff", supplement, supplement)
    assert ended.code == 0 and "mean the same" in ended.out


def test_diff_shows_text_and_money(command, supplement: Path, tmp_path: Path) -> None:
    text = (supplement / "contract.yaml").read_text(encoding="utf-8")
    dearer = text.replace("value: 1.76", "value: 2.00").replace("value: 40", "value: 60")
    dearer = dearer.split("# Worked examples")[0]
    (supplement / "dearer.yaml").write_text(dearer, encoding="utf-8")
    ended = command("diff", supplement, supplement / "dearer.yaml", "--data", "data")
    assert ended.code == 1
    for part in ("- £1.76 per person", "+ £2 per person", "- 40%", "+ 60%", "practice A", "+£1,160.00", "2 gain"):
        assert part in ended.out, part
    found = command("diff", supplement, supplement / "dearer.yaml", "--data", "data", "--json").json
    money = {line["party"]: line["difference"] for line in found["money"]}
    assert money["practice A"] == "1160"
    assert sum(float(amount) for amount in money.values()) == pytest.approx(0)


def test_interrupting_leaves_a_word_and_no_run(command, supplement: Path, tmp_path: Path, monkeypatch) -> None:
    import accord.engine

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(accord.engine, "settle", interrupted)
    ended = command("settle", supplement, "--data", "data")
    assert ended.code == 130
    assert not list((tmp_path / "runs").glob("supplement-*"))


def test_a_fault_of_ours_is_said_as_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from accord import cli

    def broken(**_: object) -> None:
        raise ZeroDivisionError("secret of practice A")

    monkeypatch.setattr(cli, "app", broken)
    assert cli.main() == 70
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said and "ACCORD_TRACEBACK" in said and "secret" not in said


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), duckdb.IOException("Could not write: No space left on device")],
    ids=["the system", "a database"],
)
def test_a_full_disk_is_said_as_one(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from accord import cli

    def full(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", full)
    assert cli.main() == 6
    said = capsys.readouterr().err
    assert "no space left on device" in said and "fix: free some space" in said


def test_a_new_contract_may_not_hide_one_of_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import accord
    from accord.language import AccordError

    monkeypatch.chdir(tmp_path)
    with pytest.raises(AccordError, match="library"):
        accord.new("mssp")
    assert not list(tmp_path.iterdir())
    assert accord.new("mssp", inputs_only=True)
