"""Long-term conditions: the Quality and Outcomes Framework.

The day is the last day of the period. Codes are named clusters of the business rules; SNOMED CT is not shipped. Who
reached a target counts, whatever else is recorded; of the others, some are left out: achievement is A / (B - C).
"""

from __future__ import annotations

from tests.measures.spec.case import Case

CASES = [
    Case(
        title="On and off a register",
        measure="disease-registers",
        text="""
        Resolved takes off; a diagnosis on that day or after it puts on again. The problem list may end a condition too.
        """,
        given="""
        conditions
        person | since      | until      | code
        Ann    | 2020-01-01 |            | DM_COD
        Bob    | 2020-01-01 |            | DM_COD
        Bob    | 2021-01-01 |            | DMRES_COD
        Cid    | 2020-01-01 |            | DM_COD
        Cid    | 2021-01-01 |            | DMRES_COD
        Cid    | 2021-01-01 |            | DM_COD
        Dee    | 2020-01-01 | 2026-03-31 | DM_COD
        Eve    | 2020-01-01 | 2026-04-01 | DM_COD
        Flo    | 2026-04-01 |            | DM_COD
        Gus    | 2026-03-31 |            | DM_COD
        """,
        expect="""
        who | condition | numerator | denominator
        Ann | diabetes  | 1         | 1
        Bob | diabetes  |           | 1
        Cid | diabetes  | 1         | 1
        Dee | diabetes  |           | 1
        Eve | diabetes  | 1         | 1
        Flo | diabetes  |           | 1
        Gus | diabetes  | 1         | 1
        """,
    ),
    Case(
        title="Old enough for a register",
        measure="disease-registers",
        text="Diabetes from 17 years on the last day of the period.",
        given="""
        people
        person | born
        Ann    | 2009-03-31
        Ben    | 2009-04-01

        conditions
        person | since      | code
        Ann    | 2020-01-01 | DM_COD
        Ben    | 2020-01-01 | DM_COD
        """,
        expect="""
        who | condition | numerator | excluded
        Ann | diabetes  | 1         |
        Ben | diabetes  |           | under 17
        """,
    ),
    Case(
        title="The last blood pressure of twelve months",
        measure="blood-pressure-control",
        text="""
        140 over 90 or less counts, and both must be there on one day; of several readings of that day the lowest.
        Dee's is a day too old.
        """,
        given="""
        conditions
        person | since      | code
        Ann    | 2020-01-01 | HYP_COD
        Bob    | 2020-01-01 | HYP_COD
        Cid    | 2020-01-01 | HYP_COD
        Dee    | 2020-01-01 | HYP_COD
        Eve    | 2020-01-01 | HYP_COD

        observations
        person | day        | coding | code   | value
        Ann    | 2025-05-01 | loinc  | 8480-6 | 180
        Ann    | 2025-05-01 | loinc  | 8462-4 | 90
        Ann    | 2025-09-01 | loinc  | 8480-6 | 140
        Ann    | 2025-09-01 | loinc  | 8462-4 | 90
        Bob    | 2025-05-01 | loinc  | 8480-6 | 130
        Bob    | 2025-05-01 | loinc  | 8462-4 | 80
        Bob    | 2025-09-01 | loinc  | 8480-6 | 140.5
        Bob    | 2025-09-01 | loinc  | 8462-4 | 80
        Cid    | 2025-09-01 | loinc  | 8480-6 | 150
        Cid    | 2025-09-01 | loinc  | 8480-6 | 138
        Cid    | 2025-09-01 | loinc  | 8462-4 | 80
        Dee    | 2025-03-31 | loinc  | 8480-6 | 120
        Dee    | 2025-03-31 | loinc  | 8462-4 | 80
        Eve    | 2025-09-01 | loinc  | 8480-6 | 120
        """,
        expect="""
        who | indicator | numerator | denominator
        Ann | HYP010    | 1         | 1
        Bob | HYP010    |           | 1
        Cid | HYP010    | 1         | 1
        Dee | HYP010    |           | 1
        Eve | HYP010    |           | 1
        """,
    ),
    Case(
        title="Eighty on the last day",
        measure="blood-pressure-control",
        text="From 80 years the target is 150 over 90, in another indicator.",
        given="""
        people
        person | born
        Ann    | 1946-03-31
        Bob    | 1946-04-01

        conditions
        person | since      | code
        Ann    | 2020-01-01 | HYP_COD
        Bob    | 2020-01-01 | HYP_COD

        observations
        person | day        | coding | code   | value
        Ann    | 2025-09-01 | loinc  | 8480-6 | 148
        Ann    | 2025-09-01 | loinc  | 8462-4 | 80
        Bob    | 2025-09-01 | loinc  | 8480-6 | 148
        Bob    | 2025-09-01 | loinc  | 8462-4 | 80
        """,
        expect="""
        who | indicator | numerator | denominator
        Ann | HYP011    | 1         | 1
        Bob | HYP010    |           | 1
        """,
    ),
    Case(
        title="Left out, unless at the target",
        measure="blood-pressure-control",
        text="""
        Declined or unsuitable within twelve months, or diagnosed within nine: left out of the denominator. Cid
        reached the target and counts all the same; Dee's refusal is too old.
        """,
        given="""
        conditions
        person | since      | code
        Ann    | 2020-01-01 | HYP_COD
        Bob    | 2025-07-01 | HYP_COD
        Cid    | 2020-01-01 | HYP_COD
        Dee    | 2020-01-01 | HYP_COD
        Eve    | 2025-06-30 | HYP_COD

        observations
        person | day        | coding  | code         | value
        Ann    | 2025-09-01 | cluster | HYPPCADEC_COD |
        Cid    | 2025-09-01 | cluster | HYPPCADEC_COD |
        Cid    | 2025-09-01 | loinc   | 8480-6        | 120
        Cid    | 2025-09-01 | loinc   | 8462-4        | 80
        Dee    | 2025-03-31 | cluster | HYPPCADEC_COD |
        """,
        expect="""
        who | indicator | numerator | denominator | excluded
        Ann | HYP010    |           |             | care declined
        Bob | HYP010    |           |             | diagnosed in the last nine months
        Cid | HYP010    | 1         | 1           |
        Dee | HYP010    |           | 1           |
        Eve | HYP010    |           | 1           |
        """,
    ),
    Case(
        title="Two conditions, one indicator",
        measure="blood-pressure-control",
        text="Coronary heart disease and stroke make one indicator (CD001), in which a person counts once.",
        given="""
        conditions
        person | since      | code
        Ann    | 2020-01-01 | CHD_COD
        Ann    | 2020-01-01 | STRK_COD
        Ann    | 2020-01-01 | TIA_COD

        observations
        person | day        | coding | code   | value
        Ann    | 2025-09-01 | loinc  | 8480-6 | 120
        Ann    | 2025-09-01 | loinc  | 8462-4 | 80
        """,
        expect="""
        who | indicator | numerator | denominator
        Ann | CD001     | 1         | 1
        """,
    ),
    Case(
        title="Frail people with diabetes",
        measure="blood-pressure-control",
        text="Are left out of DM036; mildly frail people are not. The latest entry decides.",
        given="""
        conditions
        person | since      | code
        Ann    | 2020-01-01 | DM_COD
        Bob    | 2020-01-01 | DM_COD

        observations
        person | day        | code
        Ann    | 2022-01-01 | MILDFRAIL_COD
        Ann    | 2023-01-01 | SEVFRAIL_COD
        Bob    | 2022-01-01 | MODFRAIL_COD
        Bob    | 2023-01-01 | MILDFRAIL_COD
        """,
        expect="""
        who | indicator | numerator | denominator | excluded
        Ann | DM036     |           |             | moderately or severely frail
        Bob | DM036     |           | 1           |
        """,
    ),
    Case(
        title="HbA1c: 58, or 75 for frail people",
        measure="diabetes-glucose-control",
        given="""
        conditions
        person | since      | code
        Ann    | 2020-01-01 | DM_COD
        Bob    | 2020-01-01 | DM_COD
        Cid    | 2020-01-01 | DM_COD
        Dee    | 2020-01-01 | DM_COD

        observations
        person | day        | code         | value
        Ann    | 2025-09-01 | IFCCHBAM_COD | 58
        Bob    | 2025-09-01 | IFCCHBAM_COD | 59
        Cid    | 2025-09-01 | IFCCHBAM_COD | 75
        Cid    | 2024-01-01 | MODFRAIL_COD |
        Dee    | 2025-10-01 | BLDTESTDEC_COD |
        """,
        expect="""
        who | indicator | numerator | denominator | excluded
        Ann | DM020     | 1         | 1           |
        Bob | DM020     |           | 1           |
        Cid | DM021     | 1         | 1           |
        Dee | DM020     |           |             | measurement declined
        """,
    ),
    Case(
        title="An entry that shows the care",
        measure="care-recorded",
        text="""
        A review of dementia care in twelve months; who has one counts, a refusal leaves out, a new diagnosis
        waits three months.
        """,
        given="""
        conditions
        person | since      | code
        Ann    | 2020-01-01 | DEM_COD
        Bob    | 2020-01-01 | DEM_COD
        Cid    | 2020-01-01 | DEM_COD
        Dee    | 2026-01-01 | DEM_COD
        Eve    | 2025-12-31 | DEM_COD

        observations
        person | day        | code
        Ann    | 2026-03-31 | DEMCPRVW_COD
        Bob    | 2025-03-31 | DEMCPRVW_COD
        Cid    | 2025-09-01 | DEMCPRVWDEC_COD
        """,
        expect="""
        who | indicator | numerator | denominator | excluded
        Ann | DEM004    | 1         | 1           |
        Bob | DEM004    |           | 1           |
        Cid | DEM004    |           |             | care declined
        Dee | DEM004    |           |             | diagnosed in the last three months
        Eve | DEM004    |           | 1           |
        """,
    ),
    Case(
        title="Five years",
        measure="blood-pressure-recorded",
        text="People of 45 and over on the last day, with a reading since five years before it.",
        given="""
        people
        person | born
        Ann    | 1981-03-31
        Bob    | 1981-04-01
        Cid    | 1970-01-01

        observations
        person | day        | coding | code   | value
        Ann    | 2021-04-01 | loinc  | 8480-6 | 120
        Ann    | 2021-04-01 | loinc  | 8462-4 | 80
        Bob    | 2025-04-01 | loinc  | 8480-6 | 120
        Bob    | 2025-04-01 | loinc  | 8462-4 | 80
        Cid    | 2021-03-31 | loinc  | 8480-6 | 120
        Cid    | 2021-03-31 | loinc  | 8462-4 | 80
        """,
        expect="""
        who | numerator | denominator
        Ann | 1         | 1
        Bob |           |
        Cid |           | 1
        """,
    ),
    Case(
        title="Three and a half years, or five and a half",
        measure="cervical-screening",
        given="""
        people
        person | born       | sex
        Ann    | 1976-04-01 | female
        Bea    | 1976-03-31 | female
        Cat    | 1990-01-01 | female
        Dee    | 1990-01-01 | female
        Eve    | 2001-04-01 | female
        Fay    | 1961-03-31 | female
        Gus    | 1990-01-01 | male

        observations
        person | day        | code
        Ann    | 2022-10-01 | SMEAR_COD
        Bea    | 2020-10-01 | SMEAR_COD
        Cat    | 2022-09-30 | SMEAR_COD
        Dee    | 2010-01-01 | NOCX_COD
        """,
        expect="""
        who | indicator | numerator | denominator | excluded
        Ann | CS005     | 1         | 1           |
        Bea | CS006     | 1         | 1           |
        Cat | CS005     |           | 1           |
        Dee | CS005     |           |             | no cervix
        Eve | CS005     |           |             |
        Fay | CS006     |           |             |
        Gus | CS005     |           |             |
        """,
    ),
    Case(
        title="LDL, or else non-HDL",
        measure="cholesterol-control",
        text="The last LDL cholesterol decides where there is one (2.0 mmol/l), otherwise the last non-HDL (2.6).",
        given="""
        conditions
        person | since      | code
        Ann    | 2020-01-01 | CHD_COD
        Bob    | 2020-01-01 | PAD_COD
        Cid    | 2020-01-01 | STRK_COD
        Dee    | 2020-01-01 | CHD_COD
        Eve    | 2020-01-01 | CKD_COD

        observations
        person | day        | code            | value
        Ann    | 2025-09-01 | LDLCCHOL_COD    | 2.0
        Bob    | 2025-09-01 | NONHDLCCHOL_COD | 2.6
        Cid    | 2025-05-01 | LDLCCHOL_COD    | 2.1
        Cid    | 2025-09-01 | NONHDLCCHOL_COD | 2.0
        Dee    | 2025-09-01 | CHOLMAX_COD     |
        """,
        expect="""
        who | numerator | denominator | excluded
        Ann | 1         | 1           |
        Bob | 1         | 1           |
        Cid |           | 1           |
        Dee |           |             | most treatment tolerated
        Eve |           |             |
        """,
    ),
    Case(
        title="Prescribed in time",
        measure="medicines-prescribed",
        text="""
        An antiplatelet in twelve months (CHD005), a lipid-regulating medicine in six (CHOL003), a statin for people
        with diabetes and heart disease (DM035). Fibrates (0212000L0) are no statins.
        """,
        given="""
        conditions
        person | since      | code
        Ann    | 2020-01-01 | CHD_COD
        Bob    | 2020-01-01 | CKD_COD
        Cid    | 2020-01-01 | DM_COD
        Cid    | 2020-01-01 | PAD_COD

        prescriptions
        person | day        | coding | code
        Ann    | 2025-04-01 | bnf    | 0209000A0
        Ann    | 2025-09-30 | bnf    | 0212000B0
        Bob    | 2025-10-01 | bnf    | 0212000L0
        Cid    | 2025-10-01 | bnf    | 0212000L0

        observations
        person | day        | code
        Cid    | 2025-09-01 | STATINTOL_COD
        """,
        expect="""
        who | indicator | numerator | denominator | excluded
        Ann | CHD005    | 1         | 1           |
        Ann | CHOL003   |           | 1           |
        Bob | CHOL003   | 1         | 1           |
        Cid | CHOL003   | 1         | 1           |
        Cid | DM035     |           |             | care unsuitable
        """,
    ),
]
