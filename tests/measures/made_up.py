"""Made-up people for comparing engines: records that are as nasty as real ones, from numbers that hypothesis chooses.

Days cluster on ends of months and years, on 29 February, and on each other, so that stays touch, overlap and return;
codes are those at the borders of the lists; values are missing wherever a record may lack them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

Rows = dict[str, list[dict[str, Any]]]

NASTY = [
    dt.date(2022, 12, 31),
    dt.date(2023, 1, 1),
    dt.date(2023, 2, 28),
    dt.date(2023, 3, 1),
    dt.date(2023, 3, 31),
    dt.date(2023, 4, 1),
    dt.date(2023, 12, 31),
    dt.date(2024, 1, 1),
    dt.date(2024, 1, 31),
    dt.date(2024, 2, 28),
    dt.date(2024, 2, 29),
    dt.date(2024, 3, 1),
    dt.date(2024, 3, 30),
    dt.date(2024, 3, 31),
    dt.date(2024, 4, 1),
]
BORN = [
    dt.date(1899, 6, 1),
    dt.date(1928, 2, 29),
    dt.date(1944, 2, 29),
    dt.date(1949, 1, 31),
    dt.date(1958, 12, 31),
    dt.date(1959, 3, 31),
    dt.date(1974, 3, 1),
    dt.date(1979, 2, 28),
    dt.date(1985, 5, 5),
    dt.date(1990, 10, 10),
    dt.date(1999, 3, 31),
    dt.date(2005, 2, 28),
    dt.date(2007, 1, 1),
    dt.date(2018, 2, 28),
    dt.date(2024, 2, 29),
]
# fmt: off
METHODS = ["21", "21", "21", "22", "23", "25", "28", "2A", "2B", "2D", "11", "11", "12", "31", "81", None]
DIAGNOSES = ["J449", "J209", "J450", "I500", "I10", "I110", "I130", "I209", "I259", "E112", "E119", "E101", "N390",
"N136", "S720", "S001", "T830", "T983", "W010", "W190", "R509", "R073", "R02", "L031", "K250", "K520", "D501", "D510",
"E86", "G409", "F03", "F200", "B180", "B181", "D571", "J101", "J181", "A370", "H669", "C509", "C349", "D050", "Z511",
"O800", "Z370", "I489", "L88", "K023"]
PROCEDURES = ["K401", "K731", "K712", "X721", "S411", "S461", "W371", "A011",
"X011", "X998", "U051", "R171"]
TOGETHER = ["J449", "J209 J449", "S720 W010", "S520 W190", "R509", "J450", "E101",
"G409", "N390", "I500", "B181", "J181 N390", "E86", "I209", "K023", "F03"]
"""Diagnoses of plain emergencies: those that make the conditions of the lists."""
CLUSTERS = ["DM_COD", "DMRES_COD", "HYP_COD", "HYPRES_COD", "CHD_COD", "CHD_COD", "PAD_COD", "STRK_COD",
"TIA_COD", "COPD_COD", "AST_COD",
"ASTRES_COD", "DEM_COD", "MH_COD", "CKD_COD", "CKD1AND2_COD", "HF_COD", "AFIB_COD", "EPIL_COD", "RARTH_COD",
"DEPR_COD", "NOT_A_COD"]
ENTRIES = ["HYPPCAPU_COD", "HYPPCADEC_COD", "HTMAX_COD", "BPDEC_COD", "DMPCAPU_COD",
"DMPCADEC_COD", "DMMAX_COD", "BLDTESTDEC_COD", "MHPCADEC_COD", "CSDEC_COD", "CSPU_COD", "DEMCPRVWDEC_COD",
"FEDEC_COD", "DEMCPRVW_COD", "COPDRVW_COD", "MHP_COD", "BP_COD", "BMIVAL_COD", "ALC_COD", "GLUC_COD", "FRC_COD",
"SMOK_COD", "HFRVW_COD", "REV_COD", "SMEAR_COD", "SMEAR_COD", "SMEAR_COD", "SMEAR_COD", "NOCX_COD",
"MILDFRAIL_COD", "MODFRAIL_COD", "SEVFRAIL_COD",
"STATINDEC_COD", "XSTAT_COD", "CHOLDEC_COD", "CHOLMAX_COD"]
# fmt: on


class People:
    """People made up one after the other into one record."""

    def __init__(self) -> None:
        self.rows: Rows = {}
        self.count = 0

    def add(self, table: str, **values: Any) -> None:
        """One row more; rows are numbered as ``write_record`` numbers them."""
        rows = self.rows.setdefault(table, [])
        rows.append({"row": len(rows) + 1, **values})

    def person(self, seed: int) -> None:
        """One person, made of a number alone."""
        self.count += 1
        random, who = Random(seed), self.count
        near = [random.choice(NASTY)]

        def day() -> dt.date:
            """A day on, or near, another day of this person."""
            match random.randrange(4):
                case 0:
                    found = random.choice(NASTY)
                case 1:
                    found = random.choice(near)
                case 2:
                    found = random.choice(near) + dt.timedelta(
                        days=random.choice((-1, 0, 1, 2, 28, 29, 30, 31, 365, 366))
                    )
                case _:
                    found = dt.date(2022, 6, 1) + dt.timedelta(days=random.randrange(730))
            near.append(found)
            return found

        def maybe(*values: Any, missing: float = 0.15) -> Any:
            return None if random.random() < missing else random.choice(values)

        def cost() -> int | None:
            return maybe(0, 1, 9999, missing=0.5)

        def times(most: int) -> range:
            return range(random.choice((0, 0, 1, most // 2, most)))

        sex = random.choice(("female", "male", "female", "male", "indeterminate", "unknown"))
        self.add("people", person=who, born=random.choice(BORN), sex=sex)
        for _ in range(random.choice((0, 1, 1, 2, 3))):
            since = random.choice((dt.date(2010, 1, 1), day()))
            until = maybe(day(), missing=0.5)
            ok = until is None or until > since
            self.add(
                "registrations", person=who, practice=random.choice("PQR"), since=since, until=until if ok else None
            )
        if random.random() < 0.2:
            died = day()
            self.add("deaths", person=who, day=died)
            for before in random.choice(((), (0, 30, 90), (1, 30, 91))):
                self._stay(who, random, died - dt.timedelta(days=before), maybe, cost())
        for _ in times(3):
            since, until = day(), maybe(day(), missing=0.4)
            kind = random.choice(("home", "nursing home", "residential home", "other"))
            ok = until is None or until > since
            self.add("residences", person=who, area="A", kind=kind, since=since, until=until if ok else None)
        for _ in times(6):
            self._stay(who, random, day(), maybe, cost())
        for _ in times(8):
            seen = maybe("a", "b", "c")
            self.add(
                "consultations", person=who, day=day(), practice=maybe("P", "Q"), clinician=seen, role="gp", cost=cost()
            )
        for _ in times(4):
            self.add(
                "attendances",
                person=who,
                day=day(),
                department=maybe("1", "1", "3"),
                visit=maybe("first", "first", "planned"),
                investigated=maybe(True, False),
                treated=maybe(True, False),
                disposal=maybe("discharged", "general practice", "admitted"),
                cost=cost(),
            )
        for table in ("outpatients", "community_contacts", "mental_health_contacts"):
            for _ in times(4):
                attended = random.choice(("attended", "attended", "did not attend", "cancelled"))
                if table != "outpatients" and random.random() < 0.3:
                    attended = None
                self.add(table, person=who, day=day(), provider=maybe("H1", "H2"), attended=attended, cost=cost())
        for _ in times(4):
            code = random.choice(("0209000A0", "0208020V0", "0212000B0", "0212000L0", "0212", "0101"))
            self.add(
                "prescriptions", person=who, day=day(), coding=random.choice(("bnf", "dmd")), code=code, cost=cost()
            )
        for _ in times(4):
            since, until = day(), maybe(day(), missing=0.4)
            self.add(
                "social_care",
                person=who,
                since=since,
                until=until if until is None or until > since else None,
                council="C",
                kind=random.choice(("reablement", "residential", "nursing", "home care")),
                after_hospital=maybe(True, False),
                permanent=maybe(True, True, False),
                outcome=maybe("at home", "at home", "in hospital", "died", "not contacted"),
                cost=cost(),
            )
        for _ in times(2):
            kind = random.choice(("made", "reviewed"))
            self.add(
                "care_plans", person=who, day=day(), kind=kind, shared=maybe(True, False), joint=maybe(True, False)
            )
        for _ in times(3):
            kind = random.choice(("referral", "advice"))
            priority, outcome = maybe("routine", "urgent", "two week wait"), maybe("accepted", "returned", "converted")
            self.add("referrals", person=who, day=day(), practice="P", kind=kind, priority=priority, outcome=outcome)
        for _ in times(3):
            asked = random.choice(("Q32", "ACCESS", "Q1"))
            self.add(
                "surveys",
                person=maybe(who),
                day=day(),
                practice=maybe("P", "Q"),
                survey="S",
                question=asked,
                answer=random.choice("12345"),
                weight=maybe(Decimal("1.2345")),
            )
        self._long_term(who, random, day, maybe)

    def _stay(self, who: int, random: Random, admitted: dt.date, maybe: Any, cost: int | None) -> None:
        admission = 1 + len(self.rows.get("admissions", ()))
        stayed = random.choice((0, 0, 1, 1, 2, 5, 29, 30, 400))
        discharged = maybe(admitted + dt.timedelta(days=stayed), missing=0.1)
        episodes = random.choice((1, 1, 1, 2, 3))
        specialty = maybe("300", "100", "430", "501", "560", "710", "502", missing=0.05)
        rows = self.rows.setdefault("admissions", [])
        plain = random.random() < 0.5
        rows.append(
            {
                "person": who,
                "admission": admission,
                "admitted": admitted,
                "discharged": discharged,
                "provider": "H1",
                "last_provider": "H1",
                "admission_method": random.choice(METHODS),
                "admission_source": maybe("19", "19", "19", "51", "52", "53", "54"),
                "patient_class": maybe("1", "1", "1", "1", "1", "2", "3", "5", missing=0.05),
                "episode_type": maybe("1", "1", "1", "1", "2", "4", missing=0.05),
                "main_specialty": specialty,
                "last_specialty": specialty if random.random() < 0.7 else maybe("300", "560", "710"),
                "discharge_method": maybe("1", "1", "1", "1", "4", "5") if discharged else None,
                "ready": maybe(
                    admitted + dt.timedelta(days=random.choice((-1, 0, 1, stayed, stayed + 1))), missing=0.3
                ),
                "spells": 1,
                "episodes": episodes,
                "cost": cost,
            }
        )
        if plain:
            usual = {"admission_method": "21", "admission_source": "19", "patient_class": "1", "episode_type": "1"}
            rows[-1] |= {**usual, "main_specialty": "300", "last_specialty": "300", "discharge_method": "1"}
            for position, code in enumerate(random.choice(TOGETHER).split(), 1):
                key = {"person": who, "admission": admission, "episode": 1, "day": admitted}
                self.rows.setdefault("diagnoses", []).append({**key, "position": position, "code": code})
            return
        for episode in range(1, episodes + 1):
            began = admitted + dt.timedelta(days=episode - 1)
            key = {"person": who, "admission": admission, "episode": episode, "day": began}
            for position in range(1, 1 + random.choice((0, 1, 1, 2, 3))):
                code = random.choice(DIAGNOSES)
                self.rows.setdefault("diagnoses", []).append({**key, "position": position, "code": code})
            for position in range(1, 1 + random.choice((0, 0, 0, 1, 2))):
                code = random.choice(PROCEDURES)
                self.rows.setdefault("procedures", []).append({**key, "position": position, "code": code})

    def _long_term(self, who: int, random: Random, day: Any, maybe: Any) -> None:
        for _ in range(random.choice((0, 1, 3, 5))):
            since = random.choice((dt.date(2015, 5, 5), day(), day()))
            until = maybe(day(), missing=0.8)
            coding, code = random.choice(
                (
                    *[("cluster", random.choice(CLUSTERS))] * 4,
                    ("icd10", random.choice(("E119", "I10", "I259", "I639", "J449", "F03", "G40"))),
                    ("local", random.choice(("COMPLEX-NEEDS", "OTHER"))),
                )
            )
            ok = until is None or until > since
            self.add("conditions", person=who, since=since, until=until if ok else None, coding=coding, code=code)
        for _ in range(random.choice((0, 2, 6, 12))):
            on = day() - dt.timedelta(days=random.choice((0, 0, 365, 1300, 1830)))
            value: Decimal | None
            match random.randrange(5):
                case 4:
                    coding, code = "cluster", random.choice(("LDLCCHOL_COD", "NONHDLCCHOL_COD"))
                    value = maybe(*[Decimal(each) for each in ("2", "2.0001", "2.6", "2.61", "1.5")])
                case 0:
                    coding, code = "cluster", random.choice(ENTRIES)
                    value = None
                case 1:
                    coding, code = random.choice((("cluster", "IFCCHBAM_COD"), ("loinc", "59261-8")))
                    value = maybe(*[Decimal(each) for each in ("58", "58.0001", "75", "76", "40")])
                case _:
                    for which, values in (("8480-6", ("140", "140.5", "150", "120")), ("8462-4", ("90", "90.1", "80"))):
                        if random.random() < 0.9:
                            reading = maybe(*[Decimal(each) for each in values], missing=0.05)
                            self.add("observations", person=who, day=on, coding="loinc", code=which, value=reading)
                    continue
            self.add("observations", person=who, day=on, coding=coding, code=code, value=value)


def people(seeds: Sequence[int]) -> Rows:
    """A record of people, one for each number."""
    made = People()
    for seed in seeds:
        made.person(seed)
    return made.rows
