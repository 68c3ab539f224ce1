"""PostgreSQL's arrays are read as they were written."""

import numpy as np

from parking.db.binary import (
    NEVER_US,
    array_values,
    bool_column,
    float4_column,
    int8_column,
    time_column,
    times_us,
)


def test_arrays_come_back_as_they_were_written() -> None:
    numbers = np.array([0, -1, 2**62, -(2**62)], dtype=np.int64)
    assert array_values(int8_column(numbers).data, ">i8").tolist() == numbers.tolist()
    truths = np.array([True, False, True])
    assert array_values(bool_column(truths).data, "?").tolist() == truths.tolist()
    reals = np.array([1.5, np.nan, -0.25], dtype=np.float32)
    assert np.array_equal(array_values(float4_column(reals).data, ">f4"), reals, equal_nan=True)
    times = np.array([0, 1_772_352_000_123_456], dtype=np.int64)
    assert times_us(time_column(times).data).tolist() == times.tolist()


def test_minus_infinity_is_never() -> None:
    """As `timestamptz_send` writes it: the least whole number."""
    assert times_us(int8_column(np.array([NEVER_US, 0])).data).tolist() == [NEVER_US, 946_684_800_000_000]


def test_no_array_has_no_elements() -> None:
    assert array_values(None, ">f8").tolist() == []
    assert times_us(None).tolist() == []
