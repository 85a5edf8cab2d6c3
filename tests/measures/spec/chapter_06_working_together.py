"""Working together: plans, referrals, answers, costs."""

from __future__ import annotations

from tests.measures.spec.case import Case

CASES = [
    Case(
        title="A plan that everybody can see",
        measure="care-plan-coverage",
        text="""
        People with complex needs on the last day, by the board's list; an entry in the twelve months to that day.
        Nobody is taken out of the denominator.
        """,
        given="""
        conditions
        person | since      | until      | coding | code
        Ann    | 2024-01-01 |            | local  | COMPLEX-NEEDS
        Bob    | 2024-01-01 |            | local  | COMPLEX-NEEDS
        Cid    | 2024-01-01 |            | local  | COMPLEX-NEEDS
        Dee    | 2024-01-01 | 2026-03-31 | local  | COMPLEX-NEEDS
        Eve    | 2024-01-01 |            | local  | OTHER

        care_plans
        person | day        | kind     | shared
        Ann    | 2025-04-01 | made     | yes
        Bob    | 2025-03-31 | made     | yes
        Cid    | 2025-10-01 | made     | no
        Dee    | 2025-10-01 | made     | yes
        """,
        expect="""
        who | numerator | denominator
        Ann | 1         | 1
        Bob |           | 1
        Cid |           | 1
        Dee |           |
        Eve |           |
        """,
    ),
    Case(
        title="Reviewed together",
        measure="joint-review-coverage",
        given="""
        conditions
        person | since      | coding | code
        Ann    | 2024-01-01 | local  | COMPLEX-NEEDS
        Bob    | 2024-01-01 | local  | COMPLEX-NEEDS

        care_plans
        person | day        | kind     | joint
        Ann    | 2026-03-31 | reviewed | yes
        Bob    | 2026-03-31 | reviewed | no
        """,
        expect="""
        who | numerator | denominator
        Ann | 1         | 1
        Bob |           | 1
        """,
    ),
    Case(
        title="Referrals by priority",
        measure="referrals",
        text="Advice asked for is not a referral, whatever becomes of it.",
        given="""
        referrals
        person | day        | kind     | priority | outcome
        Ann    | 2025-05-01 | referral | routine  | accepted
        Ann    | 2025-05-02 | referral | urgent   | accepted
        Ann    | 2025-05-03 | advice   |          | converted
        Bob    | 2025-05-03 | referral |          | returned
        """,
        expect="""
        who | priority     | numerator | denominator
        Ann | not recorded |           | 365
        Ann | routine      | 1         | 365
        Ann | urgent       | 1         | 365
        Bob | not recorded | 1         | 365
        Bob | routine      |           | 365
        Bob | urgent       |           | 365
        """,
    ),
    Case(
        title="Advice by what became of it",
        measure="advice-and-guidance",
        given="""
        referrals
        person | day        | kind     | priority | outcome
        Ann    | 2025-05-01 | referral | routine  | accepted
        Ann    | 2025-05-03 | advice   |          | converted
        """,
        expect="""
        who | outcome   | numerator
        Ann | converted | 1
        """,
    ),
    Case(
        title="Good answers over answers",
        measure="coordination-experience",
        text="""
        An answer belongs to the practice that it is about, and may be anonymous. Answers that are neither good nor
        bad (4: don't know) count in neither.
        """,
        given="""
        surveys
        day        | practice | survey | question | answer
        2025-05-01 | North    | GPPS   | Q32      | 1
        2025-05-01 | North    | GPPS   | Q32      | 2
        2025-05-01 | North    | GPPS   | Q32      | 3
        2025-05-01 | North    | GPPS   | Q32      | 4
        2025-05-01 | North    | GPPS   | Q33      | 1
        2025-05-01 | South    | GPPS   | Q32      | 3
        """,
        expect="""
        who   | numerator | denominator
        North | 2         | 3
        South |           | 1
        """,
    ),
    Case(
        title="Reaching the practice",
        measure="access-experience",
        given="""
        surveys
        day        | practice | survey | question | answer
        2025-05-01 | North    | local  | ACCESS   | 2
        2025-05-01 | North    | local  | ACCESS   | 3
        """,
        expect="""
        who   | numerator | denominator
        North | 1         | 2
        """,
    ),
    Case(
        title="Recorded cost, else the average",
        measure="cost-by-setting",
        text="""
        In pence. Where nothing was recorded the average of the National Cost Collection takes its place; where there
        is none, the event is left out and said so, never taken to cost nothing.
        """,
        given="""
        attendances
        person | day        | cost
        Ann    | 2025-05-01 | 12345
        Ann    | 2025-06-01 |

        consultations
        person | day        | cost
        Ann    | 2025-05-01 | 4100
        Ann    | 2025-06-01 |

        outpatients
        person | day        | attended       | cost
        Ann    | 2025-05-01 | attended       |
        Ann    | 2025-06-01 | did not attend |
        """,
        expect="""
        who | setting               | numerator | denominator | excluded
        Ann | emergency departments | 40362     | 365         |
        Ann | general practice      | 4100      | 365         | no recorded cost, and no average to take its place
        Ann | outpatients           | 19752     | 365         | did not take place
        """,
    ),
    Case(
        title="What a stay costs",
        measure="cost-by-setting",
        text="By class, method and days; a stay costs on the day of admission. Ann's last stay is not over.",
        given="""
        episodes
        person | since      | until      | patient_class | admission_method | cost
        Ann    | 2025-05-01 | 2025-05-02 | 1             | 21               |
        Bob    | 2025-05-01 | 2025-05-03 | 1             | 21               |
        Cid    | 2025-05-01 | 2025-05-03 | 1             | 11               |
        Dee    | 2025-05-01 | 2025-05-01 | 2             | 11               |
        Eve    | 2025-05-01 | 2025-05-01 | 3             | 11               |
        Flo    | 2025-05-01 | 2025-05-03 | 1             | 21               | 99
        Gus    | 2025-05-01 |            | 1             | 21               |
        """,
        expect="""
        who | setting        | numerator | excluded
        Ann | hospital stays | 82586     |
        Bob | hospital stays | 541928    |
        Cid | hospital stays | 668901    |
        Dee | hospital stays | 107747    |
        Eve | hospital stays | 44812     |
        Flo | hospital stays | 99        |
        Gus | hospital stays |           | no recorded cost, and no average to take its place
        """,
    ),
]
