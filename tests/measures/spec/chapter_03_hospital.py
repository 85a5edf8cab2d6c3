"""Days in hospital, emergency departments, the end of life."""

from __future__ import annotations

from tests.measures.spec.case import Case

CASES = [
    Case(
        title="Nights, month by month",
        measure="emergency-bed-days",
        first="2025-04-01",
        last="2025-06-30",
        every="month",
        text="Each night counts in its own month; the day of discharge has none.",
        given="""
        episodes
        person | since      | until      | admission_method
        Ann    | 2025-04-28 | 2025-05-03 | 21
        Bob    | 2025-05-10 | 2025-05-10 | 21
        Cid    | 2025-03-30 | 2025-04-02 | 21
        Dee    | 2025-06-28 |            | 21
        Eve    | 2025-05-01 | 2025-05-09 | 11
        """,
        expect="""
        who | period     | numerator
        Ann | 2025-04-01 | 3
        Ann | 2025-05-01 | 2
        Cid | 2025-04-01 | 1
        Dee | 2025-06-01 | 3
        """,
    ),
    Case(
        title="Days of delay over discharges",
        measure="delayed-discharge",
        text="""
        Sum over sum: four days over two discharges is two days each. Nobody is delayed who was never found
        ready.
        """,
        given="""
        episodes
        person | since      | until      | ready
        Ann    | 2025-06-01 | 2025-06-10 | 2025-06-06
        Ann    | 2025-08-01 | 2025-08-10 | 2025-08-10
        Bob    | 2025-06-01 | 2025-06-10 |
        Cid    | 2025-06-01 | 2025-06-10 | 2025-06-11
        Dee    | 2025-06-01 | 2025-06-01 | 2025-06-01
        Eve    | 2025-06-01 | 2025-06-10 | 2025-05-31
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann | 4         | 2           |
        Bob |           |             | no day of being ready for discharge recorded
        Cid |           |             | ready after discharge
        Dee |           |             | no night in hospital
        Eve |           |             | ready before admission
        """,
    ),
    Case(
        title="Adults who left alive",
        measure="delayed-discharge",
        given="""
        people
        person | born
        Ann    | 2007-06-11
        Bob    | 2007-06-10
        Cid    | 1950-01-01

        episodes
        person | since      | until      | ready      | discharge_method
        Ann    | 2025-06-01 | 2025-06-10 | 2025-06-06 | 1
        Bob    | 2025-06-01 | 2025-06-10 | 2025-06-06 | 1
        Cid    | 2025-06-01 | 2025-06-10 | 2025-06-06 | 4
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann |           |             |
        Bob | 4         | 1           |
        Cid |           |             | died in hospital, or stillborn
        """,
    ),
    Case(
        title="What general practice could have seen",
        measure="avoidable-attendances",
        given="""
        attendances
        person | day        | department | visit   | investigated | treated | disposal
        Ann    | 2025-06-01 | 1          | first   | no           | no      | discharged
        Bob    | 2025-06-01 | 1          | first   | no           | no      | general practice
        Cid    | 2025-06-01 | 1          | first   | yes          | no      | discharged
        Dee    | 2025-06-01 | 1          | first   | no           | no      | admitted
        Eve    | 2025-06-01 | 3          | first   | no           | no      | discharged
        Flo    | 2025-06-01 | 1          | planned | no           | no      | discharged
        Gus    | 2025-06-01 | 1          | first   |              | no      | discharged
        Hal    | 2025-06-01 | 1          | first   | no           | no      |
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann | 1         | 1           |
        Bob | 1         | 1           |
        Cid |           | 1           |
        Dee |           | 1           |
        Eve |           |             | not a consultant-led department (type 1)
        Flo |           |             | a follow-up, or not known to be a first attendance
        Gus |           |             | investigation or treatment not recorded
        Hal |           |             | how it ended is not recorded
        """,
    ),
    Case(
        title="Three times in the last ninety days",
        measure="deaths-with-three-emergency-admissions",
        text="From 90 days before death to the day of death. Bob's first admission is on day 91.",
        given="""
        deaths
        person | day
        Ann    | 2025-10-01
        Bob    | 2025-10-01

        episodes
        person | since      | until      | admission_method
        Ann    | 2025-07-03 | 2025-07-05 | 21
        Ann    | 2025-08-01 | 2025-08-05 | 21
        Ann    | 2025-10-01 | 2025-10-01 | 21
        Bob    | 2025-07-02 | 2025-07-05 | 21
        Bob    | 2025-08-01 | 2025-08-05 | 21
        Bob    | 2025-09-01 | 2025-09-05 | 11
        Bob    | 2025-09-20 | 2025-09-25 | 21
        """,
        expect="""
        who | numerator | denominator
        Ann | 1         | 1
        Bob |           | 1
        """,
    ),
]
