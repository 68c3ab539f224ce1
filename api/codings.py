"""Content codings (RFC 9110, 8.4): which one a client wants, and how a body is put into it."""

import gzip
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEAST_BYTES = 1300
"""A shorter body travels in one packet as it is; coding it would save nothing."""
_GZIP_LEVEL = 5
_ZSTD_LEVEL = 1  # on our lists smaller than level 3, and ten times as fast as gzip


class Coding(StrEnum):
    """How a body is coded. The order is ours where a client likes several equally."""

    ZSTD = "zstd"
    GZIP = "gzip"
    IDENTITY = "identity"


ENCODERS: Mapping[Coding, Callable[[bytes], bytes]] = {
    Coding.ZSTD: lambda body: zstd.compress(body, _ZSTD_LEVEL),
    # Without a time in it, so that every process makes the same bytes of the same body.
    Coding.GZIP: lambda body: gzip.compress(body, _GZIP_LEVEL, mtime=0),
}
_NAMES = {b"zstd": Coding.ZSTD, b"gzip": Coding.GZIP, b"x-gzip": Coding.GZIP, b"identity": Coding.IDENTITY}
_MEMBER = re.compile(
    rb"\s*([!#$%&'*+.^_`|~\w-]+)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?", re.I
)


@dataclass(frozen=True, slots=True)
class Choice:
    """The coding for a body that is long enough to gain by it, and the one for a short body."""

    long: Coding
    short: Coding


@lru_cache(maxsize=256)
def choose(accept_encoding: bytes) -> Choice:
    """What an Accept-Encoding header (empty when there is none) asks for.

    A member that cannot be read counts for nothing. Where nothing that we have is acceptable the body goes
    uncoded, as RFC 9110, 12.4.1, allows: that serves a client better than an error.
    """
    if not accept_encoding:
        return Choice(Coding.IDENTITY, Coding.IDENTITY)
    weights: dict[Coding | None, float] = {}
    for member in accept_encoding.split(b","):
        found = _MEMBER.fullmatch(member)
        if found is None:
            continue
        name, weight = found[1].lower(), float(found[2] or 1)
        coding = None if name == b"*" else _NAMES.get(name)
        if coding is not None or name == b"*":
            weights[coding] = max(weight, weights.get(coding, 0.0))
    others = weights.get(None)
    liked = {
        coding: weights.get(coding, 0.0 if others is None else others)
        for coding in (Coding.ZSTD, Coding.GZIP)
    }
    coded = max(liked, key=lambda coding: liked[coding])
    # Uncoded is acceptable unless excluded, and by default it is what a client likes least.
    identity = weights.get(Coding.IDENTITY, others)
    if liked[coded] <= 0 or (identity is not None and identity > liked[coded]):
        return Choice(Coding.IDENTITY, Coding.IDENTITY)
    return Choice(coded, coded if identity == 0 else Coding.IDENTITY)
