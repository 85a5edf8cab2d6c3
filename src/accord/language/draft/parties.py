"""Reads parties, payments and notices."""

from __future__ import annotations

from accord.language.contract import Party
from accord.language.draft.model import DraftNotice, DraftPayment
from accord.language.draft.written import Written, as_record, entries_of, scalar_at, word_at
from accord.language.text import Entries, Items


class PartyReader:
    """Who pays, who is paid, and what is proposed about whom."""

    def __init__(self, written: Written) -> None:
        self.written = written

    def read(self, root: Entries) -> None:
        """Read the three sections."""
        draft = self.written.draft
        for name, spec in entries_of(root.get("parties")):
            record = as_record(spec)
            each, title = scalar_at(record, "each"), word_at(record, "name")
            if self.written.has_a_slip(record):
                draft.broken.add(name.value)
            elif (each is None) == (title == ""):
                said = "both name and each" if each is not None else "neither name nor each"
                self.written.problem(name, f"party {name.value} has {said}", "name: of the one body, or each: key")
                draft.broken.add(name.value)
            words = {word: scalar for word in ("each", "paid_to") if (scalar := scalar_at(record, word)) is not None}
            party = Party(
                name.value,
                name.place,
                title,
                each.value if each is not None else None,
                word_at(record, "paid_to") or None,
            )
            draft.parties[name.value] = (party, words)
        payments = root.get("payments")
        for spec in payments.items if isinstance(payments, Items) else ():
            record = as_record(spec)
            pay, payer, receiver = (scalar_at(record, word) for word in ("pay", "from", "to"))
            if pay is None or payer is None or receiver is None:
                continue
            draft.payments.append(
                DraftPayment(
                    pay,
                    payer,
                    receiver,
                    record.place,
                    word_at(record, "negative") == "reverse",
                    word_at(record, "stream"),
                    word_at(record, "due"),
                    scalar_at(record, "through"),
                    word_at(record, "note"),
                )
            )
        notices = root.get("notices")
        for spec in notices.items if isinstance(notices, Items) else ():
            record = as_record(spec)
            when, about = scalar_at(record, "when"), scalar_at(record, "about")
            if when is None or about is None:
                continue
            draft.notices.append(
                DraftNotice(
                    when,
                    about,
                    word_at(record, "notice"),
                    record.place,
                    scalar_at(record, "days"),
                    word_at(record, "power") or "policy",
                    scalar_at(record, "through"),
                )
            )
