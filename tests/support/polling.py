"""Wait for something by asking again and again, with a deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")
PATIENCE_S = 30.0
"""How long a test waits for what takes milliseconds when the machine has nothing else to do."""
What = str | Callable[[], str]


@overload
async def until(
    ask: Callable[[], Awaitable[T | None]], *, timeout: float = ..., every: float = ..., what: What = ...
) -> T: ...
@overload
async def until(
    ask: Callable[[], T | None], *, timeout: float = ..., every: float = ..., what: What = ...
) -> T: ...
async def until(
    ask: Callable[[], Any],
    *,
    timeout: float = PATIENCE_S,
    every: float = 0.02,
    what: What = "the condition",
) -> Any:
    """Return the first truthy answer of `ask`, sync or async. Fails the test after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        answer = ask()
        if isinstance(answer, Awaitable):
            answer = await answer
        if answer:
            return answer
        if time.monotonic() > deadline:
            said = what() if callable(what) else what
            raise AssertionError(f"after {timeout:g} s still not: {said} (last answer: {answer!r})")
        await asyncio.sleep(every)
