"""What each sign shows, from the live view."""

from datetime import datetime, timedelta

from api.bodies import Sign
from api.live import LiveSite, LiveView
from parking.db.signs import SignState
from parking.known_changes import SiteTimes, next_change, schedule_times
from parking.sign_rules import SignRules, rules_of
from parking.signs import SignMessage, decide, message_of, recall

MOVES_ON_S = 1.0
"""An answer is made anew after this, since its `valid_until` moves on."""


class SignBoard:
    """Decides what signs show; what a sign's registry does not say is as in `defaults`."""

    def __init__(self, view: LiveView, defaults: SignRules) -> None:
        self._view = view
        self._defaults = defaults
        self._registry_version = 0
        self._rules: dict[str, SignRules] = {}
        self._schedules: dict[str, tuple[SiteTimes, ...]] = {}
        self._times: dict[str, SiteTimes] = {}

    def rules(self, sign_id: str) -> SignRules:
        """The rules of a sign. Raises NotLoaded or NotFound."""
        view = self._view
        if self._registry_version != view.registry_version:
            self._rules.clear()
            self._schedules.clear()
            self._times.clear()
            self._registry_version = view.registry_version
        if (rules := self._rules.get(sign_id)) is None:
            facts = view.sign_facts(sign_id)
            rules = rules_of(facts.settings, self._defaults, timezone=facts.timezone)
            self._rules[sign_id] = rules
            self._schedules[sign_id] = schedule_times(rules)
        return rules

    def message(self, sign_id: str, now: datetime) -> SignMessage:
        """What a sign is told at `now`. Raises NotLoaded or NotFound."""
        view, rules = self._view, self.rules(sign_id)
        sites = view.sign(sign_id)
        state = view.sign_states.get(sign_id) or SignState(sign=sign_id)
        # Without a memory what anybody decides is what the keeper has decided.
        known = state.memory if rules.remembers and view.signs_are_kept(now) else {}
        decision = (recall if rules.remembers else decide)(
            [site.snapshot for site in sites],
            now=now,
            stale=any(view.is_stale(site, now) for site in sites),
            rules=rules,
            memory=known,
            override=state.override,
        )
        changes_at = next_change(
            now,
            rules=rules,
            override=state.override,
            sites=[(self._times_of(site), site.snapshot.status) for site in sites],
            schedule=self._schedules[sign_id],
        )
        return message_of(sign_id, decision, now=now, rules=rules, changes_at=changes_at)

    def _times_of(self, site: LiveSite) -> SiteTimes:
        facts = site.facts
        if (times := self._times.get(facts.id)) is None:
            closures = [(one.from_at, one.until_at) for one in self._view.closures.get(facts.id, ())]
            times = SiteTimes(facts.details.opening_hours, facts.timezone, closures)
            self._times[facts.id] = times
        return times

    def fresh_until(self, sites: list[LiveSite], now: datetime) -> datetime:
        """Until when an answer about these sites is true: a second at most, less if a number turns stale."""
        until = [self._view.fresh_until(site) for site in sites]
        return min([now + timedelta(seconds=MOVES_ON_S), *(moment for moment in until if moment >= now)])


def sign_body(message: SignMessage) -> Sign:
    """The message as the API tells it."""
    return Sign(
        sign=message.sign,
        text=message.text,
        valid_until=message.valid_until,
        poll_after_s=message.poll_after_s,
        revision=message.revision,
        reason=message.reason,
        why=message.why,
        multi=message.multi,
    )
