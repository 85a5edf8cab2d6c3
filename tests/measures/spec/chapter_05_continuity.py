"""Continuity.

Every index is a sum over a sum: numerators and denominators of people are added before dividing, so that a practice's
figure is never an average of its patients' own shares. People with fewer than three contacts in the period count in
neither.
"""

from __future__ import annotations

from tests.measures.spec.case import Case


def _seen(*people: tuple[str, str]) -> str:
    """Contacts of people: each letter is the clinician of one contact, a week apart."""
    lines = ["        consultations", "        person | day        | clinician"]
    for name, clinicians in people:
        lines += [f"        {name} | 2025-05-{1 + 2 * n:02} | {clinician}" for n, clinician in enumerate(clinicians)]
    return "\n".join(lines)


FOUR = _seen(("2,2", "AABB"), ("3,1", "AAAB"), ("5,3,2", "AAAAABBBCC"), ("1,1,1,1", "ABCD"))

CASES = [
    Case(
        title="Usual provider",
        measure="continuity-usual-provider",
        text="Contacts [2,2], [3,1], [5,3,2] and [1,1,1,1]: 0.50, 0.75, 0.50 and 0.25.",
        given=FOUR,
        expect="""
        who     | numerator | denominator
        2,2     | 2         | 4
        3,1     | 3         | 4
        5,3,2   | 5         | 10
        1,1,1,1 | 1         | 4
        """,
    ),
    Case(
        title="Bice and Boxerman",
        measure="continuity-bice-boxerman",
        text="The same contacts: 4/12 = 0.333, 6/12 = 0.50, 28/90 = 0.311 and 0.",
        given=FOUR,
        expect="""
        who     | numerator | denominator
        2,2     | 4         | 12
        3,1     | 6         | 12
        5,3,2   | 28        | 90
        1,1,1,1 |           | 12
        """,
    ),
    Case(
        title="Sequential",
        measure="continuity-sequential",
        text="The order matters here: A A B B has two contacts with the one before, A B A B has none.",
        given=_seen(("Ann", "AABB"), ("Bob", "ABAB")),
        expect="""
        who | numerator | denominator
        Ann | 2         | 3
        Bob |           | 3
        """,
    ),
    Case(
        title="Sum over sum",
        measure="continuity-usual-provider",
        text="Two patients of one practice: 3 of 4 and 5 of 10 are 8 of 14, not the mean of 75 % and 50 %.",
        given="""
        registrations
        person | practice | since
        Ann    | North    | 2000-01-01
        Bob    | North    | 2000-01-01

"""
        + _seen(("Ann", "AAAB"), ("Bob", "AAAAABBBCC")),
        expect="""
        who   | numerator | denominator
        North | 8         | 14
        """,
    ),
    Case(
        title="Three contacts at least",
        measure="continuity-usual-provider",
        text="A contact without a clinician's code is none of them.",
        given="""
        consultations
        person | day        | clinician
        Ann    | 2025-05-01 | A
        Ann    | 2025-05-02 | A
        Bob    | 2025-05-01 | A
        Bob    | 2025-05-02 | A
        Bob    | 2025-05-03 |
        Cid    | 2025-05-01 | A
        Cid    | 2025-05-02 | A
        Cid    | 2025-05-03 | B
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann |           |             | fewer than three contacts
        Bob |           |             | fewer than three contacts
        Cid | 2         | 3           |
        """,
    ),
    Case(
        title="A clinician's code belongs to its practice",
        measure="continuity-usual-provider",
        given="""
        consultations
        person | day        | practice | clinician
        Ann    | 2025-05-01 | North    | 1
        Ann    | 2025-05-02 | South    | 1
        Ann    | 2025-05-03 | South    | 1
        """,
        expect="""
        who | numerator | denominator
        Ann | 2         | 3
        """,
    ),
    Case(
        title="Periods",
        measure="continuity-usual-provider",
        first="2025-04-01",
        last="2025-09-30",
        every="quarter",
        text="Contacts count in the period in which they lie, for the practice of the last day of the period.",
        given="""
        registrations
        person | practice | since      | until
        Ann    | North    | 2000-01-01 | 2025-06-01
        Ann    | South    | 2025-06-01 |

        consultations
        person | day        | clinician
        Ann    | 2025-04-01 | A
        Ann    | 2025-05-01 | A
        Ann    | 2025-06-30 | B
        Ann    | 2025-07-01 | B
        Ann    | 2025-08-01 | B
        """,
        expect="""
        who   | period     | numerator | denominator | excluded
        South | 2025-04-01 | 2         | 3           |
        South | 2025-07-01 |           |             | fewer than three contacts
        """,
    ),
    Case(
        title="Fragmentation over organisations",
        measure="fragmentation",
        text="""
        One minus Bice and Boxerman, over organisations: two contacts with the practice and two with a hospital make 8
        of 12 pairs that are with different ones. A missed appointment is no contact.
        """,
        given="""
        consultations
        person | day        | clinician
        Ann    | 2025-05-01 | A
        Ann    | 2025-05-02 | B
        Bob    | 2025-05-01 | A
        Bob    | 2025-05-02 | B
        Bob    | 2025-05-03 | C

        outpatients
        person | day        | provider | attended
        Ann    | 2025-05-03 | H1       | attended
        Ann    | 2025-05-04 | H1       | attended
        Bob    | 2025-05-04 | H1       | did not attend
        """,
        expect="""
        who | numerator | denominator
        Ann | 8         | 12
        Bob |           | 6
        """,
    ),
]
