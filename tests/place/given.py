"""Small places for tests: a few thousand people, written as a place's folder."""

from __future__ import annotations

from pathlib import Path

PLACE = """accord: 1
place: {name}
title: A small place
starts: 2026-04-01
population: {{size: {size}, seed: 1}}
contracts:
  gms-global-sum: {{}}
  integration-supplement: {{}}
scenarios: [{scenarios}]
future: {{term: extended, prices: 2, growth: {{gms-global-sum: {{price: 3}}}}, authority: these tests, status: assumed}}
"""

SCENARIOS = {
    "gain-share": """accord: 1
scenario: gain-share
title: A gain share, and nobody does anything else
contracts: {gain-share: {contract: gain-share}}
""",
    "gain-share-answered": """accord: 1
scenario: gain-share-answered
title: A gain share, and people answer to it
contracts: {gain-share: {contract: gain-share}}
behaviours: [refer-or-treat, backfill]
""",
    "supplement-ends": """accord: 1
scenario: supplement-ends
title: The supplement ends
contracts: {integration-supplement: out}
behaviours: all
""",
    "more-illness": """accord: 1
scenario: more-illness
title: More emergencies from the start
population: {emergency: 5, worsening: 10}
""",
}


def place(
    folder: Path, *, size: int = 3_000, scenarios: tuple[str, ...] = ("gain-share",), name: str = "small"
) -> Path:
    """Write a place and its scenarios."""
    (folder / "scenarios").mkdir(parents=True, exist_ok=True)
    for scenario in scenarios:
        (folder / "scenarios" / f"{scenario}.yaml").write_text(SCENARIOS[scenario], encoding="utf-8")
    listed = ", ".join(f"scenarios/{scenario}.yaml" for scenario in scenarios)
    (folder / "place.yaml").write_text(PLACE.format(name=name, size=size, scenarios=listed), encoding="utf-8")
    return folder
