"""At home."""

from __future__ import annotations

from tests.measures.spec.case import Case

CASES = [
    Case(
        title="Dead, or not to be found, is not at home",
        measure="reablement-at-home-91-days",
        text="""
        Whoever began reablement on discharge is in the denominator, whatever became of them. Where nothing was found
        out, nobody was contacted. Flo was found at home and died on day 91; Gus died on day 92.
        """,
        given="""
        social_care
        person | since      | kind       | after_hospital | outcome
        Ann    | 2025-10-01 | reablement | yes            | at home
        Bob    | 2025-10-01 | reablement | yes            | died
        Cid    | 2025-10-01 | reablement | yes            | not contacted
        Dee    | 2025-10-01 | reablement | yes            |
        Eve    | 2025-10-01 | reablement | yes            | in hospital
        Flo    | 2025-10-01 | reablement | yes            | at home
        Gus    | 2025-10-01 | reablement | yes            | at home
        Hal    | 2025-10-01 | reablement | no             | at home
        Ida    | 2025-10-01 | reablement |                | at home
        Joe    | 2025-10-01 | home care  | yes            | at home

        deaths
        person | day
        Flo    | 2025-12-31
        Gus    | 2026-01-01
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann | 1         | 1           |
        Bob |           | 1           |
        Cid |           | 1           |
        Dee |           | 1           |
        Eve |           | 1           |
        Flo |           | 1           |
        Gus | 1         | 1           |
        Hal |           |             | did not begin on discharge from hospital
        Ida |           |             | did not begin on discharge from hospital
        Joe |           |             |
        """,
    ),
    Case(
        title="Sixty-five on the day of discharge",
        measure="reablement-at-home-91-days",
        given="""
        people
        person | born
        Ann    | 1960-10-01
        Bob    | 1960-10-02

        social_care
        person | since      | kind       | after_hospital | outcome
        Ann    | 2025-10-01 | reablement | yes            | at home
        Bob    | 2025-10-01 | reablement | yes            | at home
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann | 1         | 1           |
        Bob |           |             |
        """,
    ),
    Case(
        title="Permanent, and new",
        measure="permanent-residential-admissions",
        text="A move from one home to another is no new admission. Cid had left the first home before.",
        given="""
        social_care
        person | since      | until      | kind        | permanent
        Ann    | 2025-06-01 |            | residential | yes
        Bob    | 2025-06-01 | 2025-09-01 | residential | yes
        Bob    | 2025-09-01 |            | nursing     | yes
        Cid    | 2024-06-01 | 2025-05-31 | residential | yes
        Cid    | 2025-06-01 |            | nursing     | yes
        Dee    | 2025-06-01 |            | nursing     | no
        Eve    | 2025-06-01 | 2025-09-01 | residential | no
        Eve    | 2025-09-01 |            | residential | yes
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann | 1         | 1           |
        Bob | 1         | 1           | moved from another permanent place
        Cid | 1         | 1           |
        Dee |           | 1           | not a permanent place
        Eve | 1         | 1           | not a permanent place
        """,
    ),
    Case(
        title="Days at home",
        measure="days-at-home",
        first="2025-04-01",
        last="2025-04-30",
        text="""
        Nights in hospital and places in care homes, overlaps counted once; the day of discharge is a day at home.
        Days count from the registration to its end.
        """,
        given="""
        registrations
        person | practice | since      | until
        Ann    | Ann      | 2000-01-01 |
        Bob    | Bob      | 2000-01-01 |
        Cid    | Cid      | 2025-04-21 |
        Dee    | Dee      | 2000-01-01 | 2025-04-11
        Eve    | Eve      | 2000-01-01 |

        episodes
        person | since      | until
        Ann    | 2025-04-10 | 2025-04-13
        Bob    | 2025-03-20 | 2025-04-05
        Bob    | 2025-04-28 |
        Cid    | 2025-04-20 | 2025-04-23
        Eve    | 2025-04-10 | 2025-04-20

        social_care
        person | since      | until      | kind
        Dee    | 2025-04-02 | 2025-04-05 | residential
        Eve    | 2025-04-15 | 2025-04-25 | nursing
        """,
        expect="""
        who | numerator | denominator
        Ann | 27        | 30
        Bob | 23        | 30
        Cid | 8         | 10
        Dee | 7         | 10
        Eve | 15        | 30
        """,
    ),
    Case(
        title="Away twice over the same days",
        measure="days-at-home",
        first="2025-04-01",
        last="2025-04-30",
        text="Two spans alike are one, and the days at home before them stay days at home, as often as they come.",
        given="""
        episodes
        person | since      | until
        Ann    | 2025-04-02 | 2025-04-04
        Ann    | 2025-04-10 | 2025-04-12
        Ann    | 2025-04-20 | 2025-04-22

        social_care
        person | since      | until      | kind
        Ann    | 2025-04-10 | 2025-04-12 | residential
        Ann    | 2025-04-10 | 2025-04-12 | nursing
        Ann    | 2025-04-20 | 2025-04-22 | residential
        Ann    | 2025-04-20 | 2025-04-22 | nursing
        """,
        expect="""
        who | numerator | denominator
        Ann | 24        | 30
        """,
    ),
]
