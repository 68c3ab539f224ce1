"""Answers prepared once and given many times: the bytes, their ETag and until when they are true."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from math import inf

import msgspec

from api.bodies import Bays, Signs, bay_body, encode, site_body
from api.codings import ENCODERS, LEAST_BYTES, Coding, choose
from api.live import LiveSite, LiveView
from api.signs import SignBoard, sign_body
from parking.sign_rules import SignRules

LIVE = "public, max-age=1, must-revalidate"
"""A cache in front may answer for a second, so a crowd costs us little and a number is hardly older."""
NEVER = "no-store"

Headers = list[tuple[bytes, bytes]]
HeaderList = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """One answer. `fresh_until` is when time alone makes it untrue (None: never); `text` is for signs.

    `headers` are those of the body, `validators` the ones that an answer without it (304) repeats. Each
    coding of the body is an answer of its own, with an ETag of its own, made when it is first asked for.
    """

    body: bytes
    etag: bytes
    validators: Headers
    headers: Headers
    fresh_until: datetime | None
    text: bytes
    _coded: dict[Coding, "Prepared"] = field(default_factory=dict, compare=False, repr=False)
    _heads: dict[int, bytes] = field(default_factory=dict, compare=False, repr=False)

    def head(self, status: int) -> bytes:
        """The headers of this status, 200 or 304, as they travel."""
        if (head := self._heads.get(status)) is None:
            head = self._heads[status] = lines(self.headers if status == 200 else self.validators)
        return head

    def accepted(self, accept_encoding: bytes) -> "Prepared":
        """This answer in the coding that an Accept-Encoding header (empty when there is none) asks for."""
        choice = choose(accept_encoding)
        coding = choice.long if len(self.body) >= LEAST_BYTES else choice.short
        if coding is Coding.IDENTITY:
            return self
        if (coded := self._coded.get(coding)) is None:
            coded = self._coded[coding] = self._in(coding)
        return coded

    def _in(self, coding: Coding) -> "Prepared":
        body = ENCODERS[coding](self.body)
        name = coding.value.encode()
        etag = self.etag[:-1] + b"-" + name + b'"'
        changed = {b"etag": etag, b"content-length": str(len(body)).encode()}
        validators = _replaced(self.validators, changed)
        headers = [*_replaced(self.headers, changed), (b"content-encoding", name)]
        return Prepared(body, etag, validators, headers, self.fresh_until, self.text)


@dataclass(slots=True)
class _Kept:
    """An answer, good while the view has this version, and until `deadline` by the clock's `elapsed`."""

    version: int
    deadline: float
    basis: Hashable
    prepared: Prepared


class Answers:
    """Prepares each answer when it is first asked for after something in it may have changed."""

    def __init__(self, view: LiveView, rules: SignRules) -> None:
        self._view = view
        self.board = SignBoard(view, rules)
        # Bounded: a key is only ever an id that the registry knows; a new registry empties it.
        self._kept: dict[Hashable, _Kept] = {}
        self._registry_version = 0

    def site(self, site_id: str) -> Prepared:
        """One site. Raises NotLoaded or NotFound."""
        key, view = ("site", site_id), self._view
        # The way of most requests, without a function for what may have to be made.
        if (ready := self._ready(key)) is not None:
            return ready
        site = view.site(site_id)
        return self.prepare(key, lambda now: self._site(site, now), basis=(site.snapshot, view.confirmed_at))

    def sites(self) -> Prepared:
        """All sites. Raises NotLoaded."""
        return self.prepare("sites", self._sites)

    def bays(self, site_id: str, *, every: bool = False) -> Prepared:
        """The bays of one site; `every`: also the states that are withheld. Raises NotLoaded or NotFound."""
        key = ("every bay" if every else "bays", site_id)
        return self.prepare(key, lambda now: self._bays(self._view.site(site_id), now, every=every))

    def sign(self, sign_id: str) -> Prepared:
        """What one sign shows. Raises NotLoaded or NotFound."""
        key = ("sign", sign_id)
        if (ready := self._ready(key)) is not None:
            return ready
        return self.prepare(key, lambda now: self._sign(sign_id, now))

    def signs(self) -> Prepared:
        """What all signs show. Raises NotLoaded."""
        return self.prepare("signs", self._signs)

    def prepare(
        self, key: Hashable, prepare: Callable[[datetime], Prepared], *, basis: Hashable = None
    ) -> Prepared:
        """The answer kept under `key`, or what `prepare` makes of the time now. Raises NotLoaded.

        With a `basis`, all that the answer tells of apart from the registry and the time, an answer outlives
        changes of the view that left the basis as it was.
        """
        if (ready := self._ready(key)) is not None:
            return ready
        view = self._view
        view.require_loaded()
        if self._registry_version != view.registry_version:
            self._kept.clear()
            self._registry_version = view.registry_version
        kept = self._kept.get(key)
        if kept is not None and basis is not None and kept.basis == basis:
            kept.version, kept.deadline = view.version, self._deadline(kept.prepared)
            if (ready := self._ready(key)) is not None:
                return ready
        made = prepare(view.clock.now())
        self._kept[key] = _Kept(view.version, self._deadline(made), basis, made)
        return made

    def _ready(self, key: Hashable) -> Prepared | None:
        kept, view = self._kept.get(key), self._view
        if kept is not None and kept.version == view.version and view.clock.elapsed() <= kept.deadline:
            return kept.prepared
        return None

    def _deadline(self, prepared: Prepared) -> float:
        until = prepared.fresh_until
        return inf if until is None else self._view.clock.elapsed_at(until)

    def _site(self, site: LiveSite, now: datetime) -> Prepared:
        view = self._view
        stale = view.is_stale(site, now)
        body = encode(site_body(site, as_of=view.as_of(site), stale=stale))
        return prepared(body, None if stale else view.fresh_until(site))

    def _sites(self, now: datetime) -> Prepared:
        view = self._view
        as_of = min((view.as_of(site) for site in view.sites.values()), default=None)
        bodies = [msgspec.Raw(self.site(site).body) for site in view.sites]
        return prepared(encode({"sites": bodies, "as_of": as_of}), self.next_stale(now))

    def _bays(self, site: LiveSite, now: datetime, *, every: bool) -> Prepared:
        view = self._view
        withheld: frozenset[str] = frozenset() if every else view.withheld
        stale = view.is_stale(site, now)
        body = Bays(
            site=site.facts.id,
            revision=site.snapshot.revision,
            as_of=view.as_of(site),
            stale=stale,
            bays=[bay_body(view.bays.facts(row), view.bays.now(row), withheld) for row in site.bays.rows],
        )
        fresh_until = None if stale else view.fresh_until(site)
        if every:
            return prepared(encode(body), fresh_until, cache=f"private, {NEVER}")
        return prepared(encode(body), fresh_until, vary="Authorization, X-Api-Key")

    def _sign(self, sign_id: str, now: datetime) -> Prepared:
        message = self.board.message(sign_id, now)
        return prepared(
            encode(sign_body(message)),
            self.board.fresh_until(self._view.sign(sign_id), now),
            cache=NEVER,
            vary="Accept",
            text=message.text.encode(),
        )

    def _signs(self, now: datetime) -> Prepared:
        messages = [self.board.message(sign, now) for sign in self._view.signs]
        fresh_until = self.board.fresh_until(list(self._view.sites.values()), now)
        return prepared(encode(Signs([sign_body(message) for message in messages])), fresh_until, cache=NEVER)

    def next_stale(self, now: datetime) -> datetime | None:
        """When the next of all sites turns stale, should nothing more be heard."""
        until = (self._view.fresh_until(site) for site in self._view.sites.values())
        return min((moment for moment in until if moment >= now), default=None)


def prepared(
    body: bytes,
    fresh_until: datetime | None = None,
    *,
    media_type: str = "application/json",
    cache: str = LIVE,
    vary: str | None = None,
    text: bytes = b"",
    extra: Sequence[tuple[str, str]] = (),
) -> Prepared:
    """An answer with its ETag, which covers every byte of it; `extra` headers also go with a 304."""
    etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'.encode()
    validators = [(b"etag", etag), (b"cache-control", cache.encode())]
    varies = ([vary] if vary else []) + (["Accept-Encoding"] if len(body) >= LEAST_BYTES else [])
    if varies:
        validators.append((b"vary", ", ".join(varies).encode()))
    validators += [(name.lower().encode(), value.encode()) for name, value in extra]
    kind = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
    return Prepared(body, etag, validators, [*validators, *kind], fresh_until, text)


def lines(headers: HeaderList) -> bytes:
    """The headers as they travel, each on a line of its own."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def _replaced(headers: Headers, values: dict[bytes, bytes]) -> Headers:
    return [(name, values.get(name, value)) for name, value in headers]
