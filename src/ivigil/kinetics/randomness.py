"""Random numbers keyed by (seed, subject): the same subject draws the same, in whatever chunk or thread.

Philox4x32-10, a counter-based generator: Salmon JK et al., Parallel random numbers: as easy as 1, 2, 3. SC11, 2011. The
known answers of its authors' library are a test. Normals by Box and Muller, Ann Math Stat 1958;29:610-1.
"""

from __future__ import annotations

import math

import numpy as np
from numba import uint32, uint64

from ivigil.kinetics.compiling import compiled

_MULTIPLY_0, _MULTIPLY_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
_ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
#: 2^-53: the top 53 bits of a word become a number in (0, 1).
_UNIT = 2.0**-53


@compiled(inline="always")
def philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - compiled
    """Four 32-bit words from a counter of four and a key of two."""
    for _ in range(_ROUNDS):
        p0, p1 = _MULTIPLY_0 * uint64(c0), _MULTIPLY_1 * uint64(c2)
        c0, c1, c2, c3 = (
            uint32(uint32(p1 >> _SHIFT) ^ c1 ^ k0),
            uint32(p1 & _LOW),
            uint32(uint32(p0 >> _SHIFT) ^ c3 ^ k1),
            uint32(p0 & _LOW),
        )
        k0, k1 = uint32(k0 + _WEYL_0), uint32(k1 + _WEYL_1)
    return c0, c1, c2, c3


@compiled()
def normals(seed, subject, attempt, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - compiled
    """Standard normals of one subject into ``out``: slot k is the same however many slots there are."""
    k0, k1 = uint32(uint64(seed) & _LOW), uint32(uint64(seed) >> _SHIFT)
    s0, s1 = uint32(uint64(subject) & _LOW), uint32(uint64(subject) >> _SHIFT)
    for pair in range((out.size + 1) // 2):
        a, b, c, d = philox(s0, s1, uint32(pair), uint32(attempt), k0, k1)
        u = ((uint64(a) << _SHIFT | uint64(b)) >> uint64(11)) * _UNIT + 0.5 * _UNIT
        v = ((uint64(c) << _SHIFT | uint64(d)) >> uint64(11)) * _UNIT
        radius = math.sqrt(-2.0 * math.log(u))
        out[2 * pair] = radius * math.cos(2.0 * math.pi * v)
        if 2 * pair + 1 < out.size:
            out[2 * pair + 1] = radius * math.sin(2.0 * math.pi * v)
