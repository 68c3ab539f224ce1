"""What was heard, what is noted about it, and the verdict on each clause."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from firmware_protocol.conformance.clauses import CLAUSES, Clause

Verdict = Literal["violated", "advice", "passed", "not judged"]
"""`advice`: something that a device SHOULD do is not done; it conforms all the same."""

MOST_FINDINGS: Final = 5
"""Findings of a clause that are kept; more are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One message. `number` is its line; None is what is not known of it. `at` is in Unix seconds.

    `expiry_property` is the user property `expiry`; both expiries exist with MQTT 5 alone (`five`).
    """

    number: int
    payload: bytes
    device: str = ""
    topic: str | None = None
    at: float | None = None
    qos: int | None = None
    retained: bool | None = None
    five: bool = False
    expiry_s: int | None = None
    expiry_property: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, with whom, and in which line. `must` tells a violation from advice."""

    clause: str
    device: str
    number: int
    says: str
    must: bool = True


@dataclass(frozen=True, slots=True)
class Judgement:
    """A clause and what became of it: how often it was looked at, and what is wrong (the first few)."""

    clause: Clause
    verdict: Verdict
    looks: int
    findings: tuple[Finding, ...]
    total: int

    @property
    def why(self) -> str:
        """Why it was not judged."""
        return self.clause.unseen or f"needs {self.clause.needs}"

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        found: dict[str, Any] = {
            "clause": self.clause.name,
            "party": self.clause.party,
            "about": self.clause.about,
            "verdict": self.verdict,
            "looks": self.looks,
            "violations": self.total,
            "findings": [
                {
                    "device": finding.device,
                    "line": finding.number,
                    "says": finding.says,
                    "level": "MUST" if finding.must else "SHOULD",
                }
                for finding in self.findings
            ],
        }
        return found | ({"why": self.why} if self.verdict == "not judged" else {})


@dataclass(slots=True)
class Notes:
    """Collects looks and findings."""

    looks: Counter[str] = field(default_factory=Counter)
    kept: dict[tuple[str, bool], list[Finding]] = field(default_factory=dict)
    totals: Counter[str] = field(default_factory=Counter)

    def look(self, clause: str, *, device: str, number: int, wrong: str | None, must: bool = True) -> None:
        """One look at a clause; `wrong` says what is wrong, None that all is well."""
        self.looks[clause] += 1
        if wrong is not None:
            self.totals[clause] += 1
            kept = self.kept.setdefault((clause, must), [])
            if len(kept) < MOST_FINDINGS:
                kept.append(Finding(clause, device, number, wrong, must))

    def judgements(self) -> list[Judgement]:
        """The verdict on each clause that binds devices or gateways, in the order of the SPEC."""
        bound = (clause for clause in CLAUSES.values() if clause.party in ("device", "gateway"))
        return [self._judged(clause) for clause in bound]

    def _judged(self, clause: Clause) -> Judgement:
        must, should = (self.kept.get((clause.name, level), []) for level in (True, False))
        verdict: Verdict = "passed" if self.looks[clause.name] else "not judged"
        if must or should:
            verdict = "violated" if must else "advice"
        findings = tuple([*must, *should][:MOST_FINDINGS])
        return Judgement(clause, verdict, self.looks[clause.name], findings, self.totals[clause.name])
