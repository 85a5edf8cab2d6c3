"""Emergency admissions for conditions.

Which conditions count, in which place among the diagnoses, and what takes a stay out again is said by each
definition's own list; a figure of one list may not be put beside a figure of another.
"""

from __future__ import annotations

from tests.measures.spec.case import Case

CASES = [
    Case(
        title="Primary diagnosis only",
        measure="emergency-admissions-chronic",
        text="NHS Outcomes Framework 2.3.i looks at the primary diagnosis of the first episode, and nowhere else.",
        given="""
        episodes
        person | since      | until      | diagnoses
        Ann    | 2025-06-01 | 2025-06-04 | J449
        Bob    | 2025-06-01 | 2025-06-04 | N390 J449
        """,
        expect="""
        who | condition | numerator | denominator | excluded
        Ann | COPD      | 1         | 1           |
        Bob | COPD      |           | 1           |
        """,
    ),
    Case(
        title="Any position, in another list",
        measure="unplanned-admissions-19-conditions",
        text="Of the nineteen conditions, complications of diabetes count wherever they stand; COPD does not.",
        given="""
        episodes
        person | since      | until      | diagnoses
        Ann    | 2025-06-01 | 2025-06-04 | N390 E112
        Bob    | 2025-06-01 | 2025-06-04 | N390 J449
        Cid    | 2025-06-01 | 2025-06-04 | N390 E119
        """,
        expect="""
        who | numerator | excluded
        Ann | 1         |
        Bob |           |
        Cid |           |
        """,
    ),
    Case(
        title="The first episode decides",
        measure="emergency-admissions-chronic",
        given="""
        episodes
        person | spell | episode | since      | until      | diagnoses
        Ann    | 1     | 1       | 2025-06-01 | 2025-06-04 | J449
        Ann    | 1     | 2       | 2025-06-04 | 2025-06-09 | S720
        Bob    | 2     | 1       | 2025-06-01 | 2025-06-04 | S720
        Bob    | 2     | 2       | 2025-06-04 | 2025-06-09 | J449
        """,
        expect="""
        who | numerator | excluded
        Ann | 1         |
        Bob |           |
        """,
    ),
    Case(
        title="Unfinished stays count",
        measure="emergency-admissions-chronic",
        given="""
        episodes
        person | since      | until | diagnoses
        Ann    | 2026-03-31 |       | I500
        """,
        expect="""
        who | numerator | excluded
        Ann | 1         |
        """,
    ),
    Case(
        title="An emergency by its method of admission",
        measure="emergency-admissions-chronic",
        text="Methods 21 to 25, 28 and 2A to 2D; an elective stay (11) is no emergency, and is not mentioned at all.",
        given="""
        episodes
        person | since      | until      | diagnoses | admission_method
        Ann    | 2025-06-01 | 2025-06-04 | J449      | 2A
        Bob    | 2025-06-01 | 2025-06-04 | J449      | 11
        Cid    | 2025-06-01 | 2025-06-04 | J449      | 25
        """,
        expect="""
        who | numerator | excluded
        Ann | 1         |
        Bob |           |
        Cid | 1         |
        """,
    ),
    Case(
        title="Two definitions of an emergency",
        measure="ambulatory-care-sensitive-admissions-iif",
        text="The Investment and Impact Fund leaves out methods 22 and 25.",
        given="""
        episodes
        person | since      | until      | diagnoses | admission_method
        Ann    | 2025-06-01 | 2025-06-04 | J449      | 21
        Bob    | 2025-06-01 | 2025-06-04 | J449      | 22
        Cid    | 2025-06-01 | 2025-06-04 | J449      | 25
        """,
        expect="""
        who | numerator | excluded
        Ann | 1         |
        Bob |           |
        Cid |           |
        """,
    ),
    Case(
        title="Only finished first episodes, for the Investment and Impact Fund",
        measure="ambulatory-care-sensitive-admissions-iif",
        given="""
        episodes
        person | spell | episode | since      | until      | diagnoses | main_specialty
        Ann    | 1     | 1       | 2025-06-01 |            | J449      | 300
        Bob    | 2     | 1       | 2025-06-01 | 2025-06-04 | J449      | 300
        Bob    | 2     | 2       | 2025-06-04 |            | J449      | 300
        Cid    | 3     | 1       | 2025-06-01 | 2025-06-04 | O150      | 501
        """,
        expect="""
        who | numerator | excluded
        Ann |           | first episode not finished
        Bob | 1         |
        Cid |           | specialty left out (501, 560 or 610)
        """,
    ),
    Case(
        title="Sources of admission 51 to 53 are transfers",
        measure="emergency-admissions-chronic",
        given="""
        episodes
        person | since      | until      | diagnoses | admission_source
        Ann    | 2025-06-01 | 2025-06-04 | J449      | 51
        Bob    | 2025-06-01 | 2025-06-04 | J449      | 53
        Cid    | 2025-06-01 | 2025-06-04 | J449      | 54
        """,
        expect="""
        who | numerator | excluded
        Ann |           | came from another hospital (source of admission 51 to 53)
        Bob |           | came from another hospital (source of admission 51 to 53)
        Cid | 1         |
        """,
    ),
    Case(
        title="A transfer is joined before counting",
        measure="emergency-admissions-chronic",
        text="""
        Ann went from one hospital to another: one continuous stay, counted once. Bob came back after three days at
        home: two stays.
        """,
        given="""
        episodes
        person | since      | until      | diagnoses | admission_method | admission_source | discharge_destination
        Ann    | 2025-06-01 | 2025-06-04 | J449      | 21               | 19               | 51
        Ann    | 2025-06-04 | 2025-06-20 | J449      | 2B               | 51               | 19
        Bob    | 2025-06-01 | 2025-06-04 | J449      | 21               | 19               | 19
        Bob    | 2025-06-07 | 2025-06-20 | J449      | 21               | 19               | 19
        """,
        expect="""
        who | numerator | excluded
        Ann | 1         |
        Bob | 2         |
        """,
    ),
    Case(
        title="Ordinary, general, female or male",
        measure="emergency-admissions-chronic",
        text="Who is neither female nor male in the record is in neither the admissions nor the population.",
        given="""
        people
        person | sex
        Ann    | female
        Bob    | male
        Cid    | unknown
        Dee    | male

        episodes
        person | since      | until      | diagnoses | patient_class | episode_type
        Ann    | 2025-06-01 | 2025-06-04 | J449      | 2             | 1
        Bob    | 2025-06-01 | 2025-06-04 | J449      | 1             | 4
        Dee    | 2025-08-01 | 2025-08-04 | J449      |               | 1
        Cid    | 2025-06-01 | 2025-06-04 | J449      | 1             | 1
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann |           | 1           | not an ordinary admission (patient classification 1)
        Bob |           | 1           | not a general episode (episode type 1)
        Cid |           |             |
        Dee |           | 1           | not an ordinary admission (patient classification 1)
        """,
    ),
    Case(
        title="A procedure takes a stay out",
        measure="emergency-admissions-chronic",
        text="""
        Heart failure with a heart operation (K40) is no failure of care outside hospital. The codes K73 and K74 hold
        from 1 April 2017.
        """,
        given="""
        episodes
        person | since      | until      | diagnoses | procedures
        Ann    | 2025-06-01 | 2025-06-04 | I500      | X998
        Bob    | 2025-06-01 | 2025-06-04 | I500      | X998 K401
        Cid    | 2025-06-01 | 2025-06-04 | J449      | K401
        Dee    | 2025-06-01 | 2025-06-04 | I500      | K731
        """,
        expect="""
        who | numerator | excluded
        Ann | 1         |
        Bob |           | a procedure that takes it out: K401
        Cid | 1         |
        Dee |           | a procedure that takes it out: K731
        """,
    ),
    Case(
        title="Before a code held",
        measure="emergency-admissions-chronic",
        first="2016-04-01",
        last="2017-03-31",
        given="""
        episodes
        person | since      | until      | diagnoses | procedures
        Ann    | 2017-03-31 | 2017-04-04 | I500      | K731
        """,
        expect="""
        who | numerator | excluded
        Ann | 1         |
        """,
    ),
    Case(
        title="Only the first procedure, for the Investment and Impact Fund",
        measure="ambulatory-care-sensitive-admissions-iif",
        given="""
        episodes
        person | since      | until      | diagnoses | procedures
        Ann    | 2025-06-01 | 2025-06-04 | I500      | X998 K401
        Bob    | 2025-06-01 | 2025-06-04 | I500      | K401 X998
        """,
        expect="""
        who | numerator | excluded
        Ann | 1         |
        Bob |           | a procedure that takes it out: K401
        """,
    ),
    Case(
        title="A diagnosis takes a stay out",
        measure="emergency-admissions-chronic",
        text="Chronic hepatitis B does not count beside sickle-cell disease (D57) in any other field.",
        given="""
        episodes
        person | since      | until      | diagnoses
        Ann    | 2025-06-01 | 2025-06-04 | B181
        Bob    | 2025-06-01 | 2025-06-04 | B181 D571
        """,
        expect="""
        who | numerator | excluded
        Ann | 1         |
        Bob |           | a diagnosis that takes it out: D571
        """,
    ),
    Case(
        title="Acute bronchitis needs a chronic lung condition beside it",
        measure="emergency-admissions-chronic",
        given="""
        episodes
        person | since      | until      | diagnoses
        Ann    | 2025-06-01 | 2025-06-04 | J209
        Bob    | 2025-06-01 | 2025-06-04 | J209 J449
        """,
        expect="""
        who | condition | numerator | excluded
        Ann | COPD      |           | none of the further diagnoses that it needs
        Bob | COPD      | 1         |
        """,
    ),
    Case(
        title="The window, day by day",
        measure="emergency-admissions-chronic",
        text="A stay counts on the day of admission; who moves practice counts where they were registered on that day.",
        given="""
        registrations
        person | practice | since      | until
        Ann    | North    | 2000-01-01 | 2025-06-01
        Ann    | South    | 2025-06-01 |

        episodes
        person | since      | until      | diagnoses
        Ann    | 2025-03-31 | 2025-04-02 | J449
        Ann    | 2025-05-31 | 2025-06-02 | J449
        Ann    | 2025-06-10 | 2025-06-12 | J449
        Ann    | 2026-03-31 | 2026-04-02 | J449
        Ann    | 2026-04-10 | 2026-04-12 | J449
        """,
        expect="""
        who   | numerator | excluded
        North | 1         |
        South | 2         |
        """,
    ),
    Case(
        title="Registered with nobody",
        measure="emergency-admissions-chronic",
        text="""
        An admission on a day without a registration is outside the population: the tool says how many there
        are.
        """,
        given="""
        registrations
        person | practice | since      | until
        Ann    | North    | 2000-01-01 | 2025-06-01
        Bob    | North    | 2000-01-01 |

        episodes
        person | since      | until      | diagnoses
        Ann    | 2025-06-01 | 2025-06-02 | J449
        Bob    | 2025-06-01 | 2025-06-02 | J449
        """,
        expect="""
        who   | numerator | denominator | excluded
        North | 1         | 2           |
        """,
    ),
    Case(
        title="Ages and sexes that the framework counts",
        measure="emergency-admissions-chronic",
        text="Ages of 0 to 120 full years. Who is recorded as neither female nor male is not in the population.",
        given="""
        people
        person | born       | sex
        Ann    | 1904-06-02 | female
        Bob    | 1904-06-01 | male
        Cid    | 2025-04-01 | male
        Dee    | 1950-06-01 | unknown

        episodes
        person | since      | until      | diagnoses
        Ann    | 2025-06-01 | 2025-06-02 | J459
        Bob    | 2025-06-01 | 2025-06-02 | J459
        Cid    | 2025-06-01 | 2025-06-02 | J459
        Dee    | 2025-06-01 | 2025-06-02 | J459
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann | 1         | 1           |
        Bob |           | 1           | age not from 0 to 120
        Cid | 1         | 1           |
        Dee |           |             |
        """,
    ),
    Case(
        title="Under 19 on the day",
        measure="emergency-admissions-children",
        text="The age on the day of admission decides: Ben is 19 on 1 July.",
        given="""
        people
        person | born
        Ann    | 2010-01-01
        Ben    | 2006-07-01

        episodes
        person | since      | until      | diagnoses
        Ann    | 2025-06-01 | 2025-06-02 | J459
        Ben    | 2025-06-30 | 2025-07-02 | E101
        Ben    | 2025-07-10 | 2025-07-12 | E101
        """,
        expect="""
        who | condition | numerator | denominator | excluded
        Ann | asthma    | 1         | 1           |
        Ben | diabetes  | 1         | 1           |
        """,
    ),
    Case(
        title="Born on 29 February",
        measure="emergency-admissions-children",
        text="In a year without 29 February a year of age is full on 1 March.",
        first="2026-01-01",
        last="2026-12-31",
        given="""
        people
        person | born
        Ann    | 2007-02-28
        Ben    | 2008-02-29

        episodes
        person | since      | until      | diagnoses
        Ann    | 2026-02-28 | 2026-03-01 | J459
        Ben    | 2026-02-28 | 2026-03-01 | J459
        """,
        expect="""
        who | numerator | excluded
        Ann |           |
        Ben | 1         |
        """,
    ),
    Case(
        title="Ages of a condition",
        measure="emergency-admissions-urgent-care-sensitive",
        text="Falls count from 75 years, fever to 5 years, both on the day; other conditions at any age.",
        given="""
        people
        person | born
        Ann    | 1950-06-01
        Bob    | 1950-06-02
        Cid    | 2019-06-01
        Dee    | 2019-06-02

        episodes
        person | since      | until      | diagnoses
        Ann    | 2025-06-01 | 2025-06-04 | S520 W19
        Bob    | 2025-06-01 | 2025-06-04 | S520 W19
        Cid    | 2025-06-01 | 2025-06-04 | R509
        Dee    | 2025-06-01 | 2025-06-04 | R509
        """,
        expect="""
        who | condition      | numerator | excluded
        Ann | falls          | 1         |
        Bob | falls          |           | under 75: falls count from 75 years
        Cid | pyrexial child |           | over 5: fever counts to 5 years
        Dee | pyrexial child | 1         |
        """,
    ),
    Case(
        title="Two conditions, one admission",
        measure="emergency-admissions-urgent-care-sensitive",
        text="Counted once: a condition that stands before one that is taken out, and of several the first by name.",
        given="""
        people
        person | born
        Ann    | 1940-06-01
        Bob    | 1960-06-01

        episodes
        person | since      | until      | diagnoses
        Ann    | 2025-06-01 | 2025-06-04 | S001 W19
        Bob    | 2025-06-01 | 2025-06-04 | S001 W19
        """,
        expect="""
        who | condition           | numerator | excluded
        Ann | falls               | 1         |
        Bob | minor head injuries | 1         |
        """,
    ),
    Case(
        title="A fall needs an injury, and an injury a fall",
        measure="falls",
        text="At 65 and over: a primary diagnosis S00 to T98 with W00 to W19 in another field.",
        given="""
        people
        person | born
        Ann    | 1950-06-01
        Bob    | 1950-06-01
        Cid    | 1950-06-01
        Dee    | 1960-06-02
        Eve    | 1950-06-01

        episodes
        person | since      | until      | diagnoses
        Ann    | 2025-06-01 | 2025-06-04 | S720 W010
        Bob    | 2025-06-01 | 2025-06-04 | S720
        Cid    | 2025-06-01 | 2025-06-04 | J449 W010
        Dee    | 2025-06-01 | 2025-06-04 | S720 W010
        Eve    | 2025-06-01 | 2025-06-04 | T983 W190
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann | 1         | 1           |
        Bob |           | 1           | none of the further diagnoses that it needs
        Cid |           | 1           |
        Dee |           |             |
        Eve | 1         | 1           |
        """,
    ),
    Case(
        title="Acute conditions",
        measure="emergency-admissions-acute",
        text="The conditions are verified, their codes are not: this list is for trying things out.",
        given="""
        episodes
        person | since      | until      | diagnoses | admission_source
        Ann    | 2025-06-01 | 2025-06-04 | N390      | 19
        Bob    | 2025-06-01 | 2025-06-04 | N390      | 52
        Cid    | 2025-06-01 | 2025-06-04 | J449 N390 | 19
        """,
        expect="""
        who | numerator | excluded
        Ann | 1         |
        Bob |           | came from another hospital (source of admission 51 to 53)
        Cid |           |
        """,
    ),
    Case(
        title="Every emergency",
        measure="emergency-admissions",
        text="Whatever the diagnosis; the denominator is days registered, for the average population.",
        given="""
        registrations
        person | practice | since      | until
        Ann    | Ann      | 2000-01-01 |
        Bob    | Bob      | 2026-03-22 |

        episodes
        person | since      | until      | admission_method | admission_source
        Ann    | 2025-06-01 | 2025-06-01 | 21               | 19
        Ann    | 2025-07-01 | 2025-07-01 | 31               | 19
        Ann    | 2025-08-01 | 2025-08-01 | 21               | 51
        Bob    | 2026-03-25 | 2026-03-26 | 2D               | 19
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann | 1         | 365         | came from another hospital (source of admission 51 to 53)
        Bob | 1         | 10          |
        """,
    ),
]
