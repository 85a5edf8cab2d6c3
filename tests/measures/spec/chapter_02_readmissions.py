"""Emergency readmissions within 30 days.

NHS Outcomes Framework 3b: days 0 to 29 inclusive after the last, previous discharge. A discharge and the next stay
are a pair; the characteristics of the discharge decide whether it is in the denominator, those of the next stay
whether it counts.
"""

from __future__ import annotations

from tests.measures.spec.case import Case

M = "readmissions-30-days"

CASES = [
    Case(
        title="Day 29 in, day 30 out",
        measure=M,
        given="""
        episodes
        person | since      | until      | diagnoses
        Ann    | 2025-06-01 | 2025-06-10 | J189
        Ann    | 2025-07-09 | 2025-07-12 | J189
        Bob    | 2025-06-01 | 2025-06-10 | J189
        Bob    | 2025-07-10 | 2025-07-12 | J189
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann | 1         | 2           |
        Bob |           | 2           |
        """,
        text="Both discharges of each are in the denominator; the second is followed by nothing.",
    ),
    Case(
        title="Day 0: out and in again",
        measure=M,
        text="A stay that begins on the day of discharge, without any sign of a transfer, is a readmission.",
        given="""
        episodes
        person | since      | until      | diagnoses
        Ann    | 2025-06-01 | 2025-06-10 | J189
        Ann    | 2025-06-10 | 2025-06-12 | J189
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann | 1         | 2           |
        """,
    ),
    Case(
        title="A readmission has one discharge only",
        measure=M,
        text="""
        Two discharges lie within 30 days before Ann's last stay. It belongs to the later one; the earlier one is
        followed by the second stay, which was planned.
        """,
        given="""
        episodes
        person | since      | until      | diagnoses | admission_method
        Ann    | 2025-06-01 | 2025-06-05 | J189      | 21
        Ann    | 2025-06-08 | 2025-06-10 | K409      | 11
        Ann    | 2025-06-20 | 2025-06-22 | J189      | 21
        """,
        expect="""
        who | method    | numerator | denominator | excluded
        Ann | elective  | 1         | 1           |
        Ann | emergency |           | 2           |
        """,
    ),
    Case(
        title="After a day case",
        measure=M,
        text="""
        The last, previous discharge is that of the day case, which is not in the denominator: nobody has this
        readmission.
        """,
        given="""
        episodes
        person | since      | until      | diagnoses | admission_method | patient_class
        Ann    | 2025-06-01 | 2025-06-05 | J189      | 21               | 1
        Ann    | 2025-06-08 | 2025-06-08 | K409      | 11               | 2
        Ann    | 2025-06-20 | 2025-06-22 | J189      | 21               | 1
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann |           | 2           | not an ordinary admission (a day case, for instance)
        """,
    ),
    Case(
        title="A transfer is one stay",
        measure=M,
        text="Joined before counting: neither a discharge at the first hospital nor a readmission to the second.",
        given="""
        episodes
        person | since      | until      | provider | admission_method | admission_source | discharge_destination
        Ann    | 2025-06-01 | 2025-06-04 | H1       | 21               | 19               | 51
        Ann    | 2025-06-04 | 2025-06-20 | H2       | 2B               | 51               | 19
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann |           | 1           |
        """,
    ),
    Case(
        title="Cancer in the 365 days before",
        measure=M,
        text="Day 365 takes the stay out, day 366 does not. The earlier stay has cancer itself.",
        given="""
        episodes
        person | since      | until      | diagnoses | admission_method
        Ann    | 2024-06-01 | 2024-06-02 | C509      | 11
        Ann    | 2025-06-01 | 2025-06-03 | J189      | 21
        Bob    | 2024-06-01 | 2024-06-02 | C509      | 11
        Bob    | 2025-06-02 | 2025-06-03 | J189      | 21
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann |           |             | cancer or chemotherapy in the 365 days before
        Bob |           | 1           |
        """,
    ),
    Case(
        title="Cancer in either stay",
        measure=M,
        text="Cancer anywhere in the discharge spell takes it out; in the readmission it makes that count for nothing.",
        given="""
        episodes
        person | spell | episode | since      | until      | diagnoses | procedures
        Ann    | 1     | 1       | 2025-06-01 | 2025-06-05 | J189      |
        Ann    | 1     | 2       | 2025-06-05 | 2025-06-09 | J189 C349 |
        Bob    | 2     | 1       | 2025-06-01 | 2025-06-09 | J189      |
        Bob    | 3     | 1       | 2025-06-20 | 2025-06-22 | J189 C349 |
        Cid    | 4     | 1       | 2025-06-01 | 2025-06-09 | J189      | X721
        Dee    | 5     | 1       | 2025-06-01 | 2025-06-09 | D051      |
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann |           |             | cancer or chemotherapy in this stay
        Bob |           | 1           | cancer or chemotherapy in this stay
        Cid |           |             | cancer or chemotherapy in this stay
        Dee |           | 1           |
        """,
    ),
    Case(
        title="Death",
        measure=M,
        text="Who died did not leave to come back. A readmission that ends in death counts.",
        given="""
        episodes
        person | since      | until      | discharge_method
        Ann    | 2025-06-01 | 2025-06-05 | 1
        Ann    | 2025-06-20 | 2025-06-22 | 4
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann | 1         | 1           | died in hospital, or stillborn
        """,
    ),
    Case(
        title="Maternity",
        measure=M,
        text="By specialty, kind of episode or diagnosis; a readmission to obstetrics does not count.",
        given="""
        episodes
        person | since      | until      | diagnoses | main_specialty | episode_type
        Ann    | 2025-06-01 | 2025-06-05 | J189      | 560            | 1
        Bea    | 2025-06-01 | 2025-06-05 | J189      | 300            | 2
        Cat    | 2025-06-01 | 2025-06-05 | O800      | 300            | 1
        Dee    | 2025-06-01 | 2025-06-05 | J189      | 300            | 1
        Dee    | 2025-06-20 | 2025-06-22 | J189      | 501            | 1
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann |           |             | maternity (specialty, kind of episode or diagnosis)
        Bea |           |             | maternity (specialty, kind of episode or diagnosis)
        Cat |           |             | maternity (specialty, kind of episode or diagnosis)
        Dee |           | 1           | maternity (specialty, kind of episode or diagnosis)
        """,
    ),
    Case(
        title="Specialties",
        measure=M,
        text="""
        Medical and surgical specialties; a discharge from psychiatry (710) does not count, a return from
        there does.
        """,
        given="""
        episodes
        person | since      | until      | diagnoses | main_specialty
        Ann    | 2025-06-01 | 2025-06-05 | F200      | 710
        Bob    | 2025-06-01 | 2025-06-05 | J189      | 100
        Bob    | 2025-06-20 | 2025-06-22 | F200      | 710
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann |           |             | specialty of discharge not one that counts
        Bob | 1         | 1           | specialty of discharge not one that counts
        """,
    ),
    Case(
        title="Over the end of the year",
        measure=M,
        text="""
        The discharge decides the year; the readmission may lie up to 29 days after it. An unfinished stay can
        be one.
        """,
        given="""
        episodes
        person | since      | until
        Ann    | 2026-03-20 | 2026-03-31
        Ann    | 2026-04-29 |
        Bob    | 2025-03-20 | 2025-03-31
        Bob    | 2025-04-20 | 2025-04-21
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann | 1         | 1           |
        Bob |           | 1           |
        """,
    ),
    Case(
        title="A stay within a stay",
        measure=M,
        text="""
        Whoever is still in hospital cannot come back to it: the second stay lies within the first, the third
        follows both.
        """,
        given="""
        episodes
        person | since      | until
        Ann    | 2025-06-01 | 2025-06-20
        Ann    | 2025-06-05 | 2025-06-08
        Ann    | 2025-07-01 | 2025-07-02
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann | 1         | 3           |
        """,
    ),
]
