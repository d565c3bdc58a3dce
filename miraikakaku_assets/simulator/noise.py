"""Reproducible noise with random access.

A value depends on (seed, name, stream, index) only, never on what was asked before. So a bar is the same
whether it is asked alone or inside ten years, today or after a restart; a sequential generator could not
promise that across windows and numpy versions.
"""

import math
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_TO_UNIT = 1.0 / (1 << 53)
_FIELDS = (np.uint64(0), np.uint64(16), np.uint64(32), np.uint64(48))
_FIELD_MASK = np.uint64(0xFFFF)
_FIELD_MEAN = 2.0 * 0xFFFF  # of the sum of four 16-bit fields
_FIELD_SCALE = 1.0 / (65536.0 * math.sqrt(4.0 / 12.0))


def key_of(*parts: object) -> int:
    """Return a 64-bit key for a name made of parts."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def _mix(key: int, index: IntArray) -> npt.NDArray[np.uint64]:
    state = (index.astype(np.uint64) + np.uint64(1)) * _GOLDEN + np.uint64(key)
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    return state ^ (state >> np.uint64(31))


def uniforms(key: int, index: IntArray) -> FloatArray:
    """Return one number in [0, 1) per index."""
    return (_mix(key, index) >> np.uint64(11)).astype(np.float64) * _TO_UNIT


def normals(key: int, index: IntArray) -> FloatArray:
    """Return one nearly normal number (mean 0, variance 1) per index.

    The sum of four uniform fields of one 64-bit word: within ±3.46 by construction, five times cheaper
    than Box-Muller. Fat tails are added where they are wanted, as jumps.
    """
    words = _mix(key, index)
    total = np.zeros(words.shape, dtype=np.float64)
    for shift in _FIELDS:
        total += (words >> shift) & _FIELD_MASK
    return np.multiply(total - _FIELD_MEAN, _FIELD_SCALE)


class Noise:
    """All the noise of one named thing, in independent streams."""

    __slots__ = ("_key",)

    def __init__(self, *name: object) -> None:
        self._key = key_of(*name)

    def stream(self, name: str) -> int:
        """Return the key of one stream."""
        return key_of(self._key, name)

    def uniform(self, stream: str, index: IntArray) -> FloatArray:
        """Return uniforms of a stream at the given indices."""
        return uniforms(self.stream(stream), index)

    def normal(self, stream: str, index: IntArray) -> FloatArray:
        """Return nearly normal numbers of a stream at the given indices."""
        return normals(self.stream(stream), index)

    def chance(self, name: str) -> float:
        """Return the one number in [0, 1) that belongs to a name."""
        return (self.stream(name) >> 11) * _TO_UNIT
