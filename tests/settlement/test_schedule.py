"""The schedule that people sign: every form of it says the same."""

from __future__ import annotations

import zipfile
from pathlib import Path

import accord


def test_every_form_says_that_a_payment_can_flow_back(tmp_path: Path) -> None:
    page, document = tmp_path / "s.html", tmp_path / "s.docx"
    accord.show("payment-scheme", html=page, docx=document)
    with zipfile.ZipFile(document) as parts:
        word = parts.read("word/document.xml").decode("utf-8")
    reversed_ = [payment for payment in accord.check("payment-scheme").payments if payment.reverse_when_negative]
    assert len(reversed_) == 2
    for text in (page.read_text(encoding="utf-8"), word):
        assert text.count("flows back when negative") == 2
