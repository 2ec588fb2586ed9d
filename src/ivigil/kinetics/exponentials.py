"""Compiled: many exponentials at once, several side by side, where the library's exp takes one after the other."""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

import math

import numpy as np

from ivigil.kinetics.compiling import compiled

#: Beyond these the result is no number of double precision; it stays at their exponential.
LEAST, MOST = -708.0, 708.0
#: ln 2 in two parts, the first with so few digits that its multiples are exact (Cody WJ, Waite W. Software Manual for
#: the Elementary Functions, 1980, chapter 6).
LN2_HIGH, LN2_LOW = 6.93145751953125e-1, 1.42860682030941723212e-6
LOG2_E = 1.0 / math.log(2.0)
#: Below this, (1 − e^−x)/x is taken from its series: the difference would have lost its digits.
SMALL = 1e-3
#: Added to a number of moderate size it leaves the nearest whole number in the lowest bits.
ROUNDS = 1.5 * 2.0**52
MANTISSA = np.int64(52)
#: The power series of e^r from its last term that counts where |r| is at most half of ln 2.
SERIES = tuple(1.0 / math.factorial(power) for power in range(13, 0, -1))


@compiled(fastmath={"contract"})
def exponentials(values, halves, out):
    """The exponential of each of ``values`` into ``out``, to the last digit or the one before; ``halves`` is room to work in.

    x = k ln 2 + r with a whole k, and e^x = 2^k e^r. Each product and its sum may be one operation with one rounding.
    """
    moved, whole = halves.view(np.int64), out.view(np.int64)
    for j in range(values.size):
        x = min(max(values[j], LEAST), MOST)
        halves[j] = x * LOG2_E + ROUNDS
        k = halves[j] - ROUNDS
        r = (x - k * LN2_HIGH) - k * LN2_LOW
        series = 0.0
        for term in SERIES:
            series = series * r + term
        out[j] = series * r + 1.0
    # k stands in the lowest bits of what was moved; added to the exponent of e^r it multiplies by 2^k.
    for j in range(values.size):
        whole[j] += moved[j] << MANTISSA


@compiled(inline="always")
def share_left(x, left):
    """(1 − e^−x)/x, with ``left`` = e^−x: what is there at the end of an infusion of 1, where x is rate times duration.

    Both ways are worked out for all, since a branch would leave them one after the other; the caller divides as numpy does.
    """
    series = 1.0 - x * (0.5 - x * (1.0 / 6.0 - x * (1.0 / 24.0)))
    whole = (1.0 - left) / x
    return series if x < SMALL else whole
