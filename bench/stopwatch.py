"""Times functions of the running program by name, each without the timed functions that it calls."""

import gc
import inspect
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from importlib import import_module
from typing import Any


@dataclass(slots=True)
class Stopwatch:
    """Seconds, processor seconds of this thread, and calls by stage. For one task at a time."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    cpu: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    calls: Counter[str] = field(default_factory=Counter)
    collecting_s: float = 0.0
    _inner: list[tuple[float, float]] = field(default_factory=list)
    _gc_began: float = 0.0

    def reset(self) -> None:
        """Begin anew."""
        self.seconds.clear()
        self.cpu.clear()
        self.calls.clear()
        self.collecting_s = 0.0

    @contextmanager
    def timing(self, stage: str) -> Iterator[None]:
        """Time a block."""
        begun, begun_cpu = time.perf_counter(), time.thread_time()
        self._inner.append((0.0, 0.0))
        try:
            yield
        finally:
            took, worked = time.perf_counter() - begun, time.thread_time() - begun_cpu
            inner, inner_cpu = self._inner.pop()
            self.seconds[stage] += took - inner
            self.cpu[stage] += worked - inner_cpu
            self.calls[stage] += 1
            if self._inner:
                outer, outer_cpu = self._inner[-1]
                self._inner[-1] = (outer + took, outer_cpu + worked)

    @contextmanager
    def installed(self, targets: Sequence[tuple[str, str]]) -> Iterator[list[str]]:
        """Time functions by (`module:name` or `module:Class.name`, stage); yields those not found."""
        missing: list[str] = []
        undo: list[tuple[Any, str, Any]] = []
        for target, stage in targets:
            owner, name = _find(target)
            if owner is None:
                missing.append(target)
                continue
            undo.append((owner, name, getattr(owner, name)))
            setattr(owner, name, self._timed(getattr(owner, name), stage))
        gc.callbacks.append(self._collection)
        try:
            yield missing
        finally:
            gc.callbacks.remove(self._collection)
            for owner, name, original in reversed(undo):
                setattr(owner, name, original)

    def _timed(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def timed_coroutine(*args: Any, **kwargs: Any) -> Any:
                with self.timing(stage):
                    return await function(*args, **kwargs)

            return timed_coroutine

        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.timing(stage):
                return function(*args, **kwargs)

        return timed

    def _collection(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._gc_began = time.perf_counter()
        else:
            self.collecting_s += time.perf_counter() - self._gc_began


def _find(target: str) -> tuple[Any, str]:
    """What holds the function, None if nothing does, and its name there."""
    module, _, path = target.partition(":")
    *way, name = path.split(".")
    try:
        owner: Any = import_module(module)
        for step in way:
            owner = getattr(owner, step)
    except (ImportError, AttributeError):
        return None, name
    return (owner, name) if hasattr(owner, name) else (None, name)
