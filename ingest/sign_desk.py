"""Which signs show something new: the decisions of all signs, kept in memory between rounds. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from parking.availability import is_stale
from parking.db.signs import SignFacts, SignState
from parking.known_changes import SiteTimes, next_change, schedule_times
from parking.model import Snapshot
from parking.sign_rules import SignRules, rules_of
from parking.signs import Decision, decide


@dataclass(frozen=True, slots=True)
class Round:
    """What a round decided: `stored` must be written down, `told` of these are news to their signs."""

    stored: dict[str, Decision] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)


class SignDesk:
    """Decides for all signs, one after another, each from its last decision."""

    def __init__(self, defaults: SignRules, *, stale_after_s: float) -> None:
        self._defaults = defaults
        self._stale_after_s = stale_after_s
        self.facts: dict[str, SignFacts] = {}
        self.rules: dict[str, SignRules] = {}
        self.decisions: dict[str, Decision] = {}
        self._states: dict[str, SignState] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._of_site: dict[str, list[str]] = {}
        self._times: Mapping[str, SiteTimes] = {}
        self._schedules: dict[str, tuple[SiteTimes, ...]] = {}
        self._confirmed_at: datetime | None = None

    def load(
        self, facts: Sequence[SignFacts], states: Sequence[SignState], times: Mapping[str, SiteTimes]
    ) -> None:
        """Take over the registry, what was decided before, and when sites open and close."""
        self._times = times
        self.facts = {sign.id: sign for sign in facts}
        self.rules = {
            sign.id: rules_of(sign.settings, self._defaults, timezone=sign.timezone) for sign in facts
        }
        self._schedules = {sign: schedule_times(rules) for sign, rules in self.rules.items()}
        self._of_site = {}
        for sign in facts:
            for site in sign.sites:
                self._of_site.setdefault(site, []).append(sign.id)
        self._states = {}
        self.decisions = {}
        self.know(states)

    def know(self, states: Iterable[SignState]) -> None:
        """What is written down of these signs now."""
        self._states |= {state.sign: state for state in states}

    def see(self, snapshots: Iterable[Snapshot]) -> set[str]:
        """Newer numbers of sites; the signs that tell of them."""
        concerned: set[str] = set()
        for snapshot in snapshots:
            self._snapshots[snapshot.site_id] = snapshot
            concerned.update(self._of_site.get(snapshot.site_id, ()))
        return concerned

    def confirm(self, confirmed_at: datetime | None) -> None:
        """When the numbers were last confirmed; None without an ingestor."""
        self._confirmed_at = confirmed_at

    def decide(self, now: datetime, *, only: Iterable[str] | None = None) -> Round:
        """Decide for these signs, or all. What comes of it is not taken for written down before `keep`."""
        done = Round()
        for sign in self.facts if only is None else only:
            facts = self.facts[sign]
            state = self._states.get(sign) or SignState(sign=sign)
            decision = self._decide(facts, state, now)
            self.decisions[sign] = decision
            news = (decision.text, decision.why.value) != (state.text, state.why)
            if news:
                done.told.append(sign)
            if news or (self.rules[sign].remembers and decision.memory != state.memory):
                done.stored[sign] = decision
        return done

    def keep(self, done: Round) -> None:
        """What a round decided is written down."""
        for sign, decision in done.stored.items():
            before = self._states.get(sign)
            self._states[sign] = SignState(
                sign=sign,
                text=decision.text,
                why=decision.why.value,
                memory=decision.memory,
                override=None if before is None else before.override,
            )

    def changes_at(self, sign: str, now: datetime) -> datetime | None:
        """When what this sign shows at `now` is known to change, as far as it is known."""
        sites = [site for site in self.facts[sign].sites if site in self._times and site in self._snapshots]
        state = self._states.get(sign)
        return next_change(
            now,
            rules=self.rules[sign],
            override=None if state is None else state.override,
            sites=[(self._times[site], self._snapshots[site].status) for site in sites],
            schedule=self._schedules[sign],
        )

    def _decide(self, facts: SignFacts, state: SignState, now: datetime) -> Decision:
        sites = [self._snapshots[site] for site in facts.sites if site in self._snapshots]
        rules = self.rules[facts.id]
        return decide(
            sites,
            now=now,
            stale=any(self._is_stale(site, now) for site in sites),
            rules=rules,
            memory=state.memory if rules.remembers else {},
            override=state.override,
        )

    def _is_stale(self, site: Snapshot, now: datetime) -> bool:
        as_of = site.as_of if self._confirmed_at is None else self._confirmed_at
        return is_stale(as_of, now, stale_after_s=self._stale_after_s)
