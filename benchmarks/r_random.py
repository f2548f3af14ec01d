"""R's default generator (before R 3.6), to redraw published simulations exactly."""

import numpy as np
from scipy.special import ndtri

_WORD = 2**32 - 1
# What R multiplies a word with, and the digits of its normal draws.
_UNIT, _DIGITS = 2.3283064365386963e-10, 134217728


class RRandom:
    """Mersenne twister seeded as ``set.seed`` does; normal draws by inversion."""

    def __init__(self, seed):
        for _ in range(50):
            seed = (69069 * seed + 1) & _WORD
        words = []
        for _ in range(625):
            seed = (69069 * seed + 1) & _WORD
            words.append(seed)
        self._state = np.random.RandomState()
        key = np.array(words[1:], dtype=np.uint32)  # R overwrites the first word
        self._state.set_state(("MT19937", key, 624))

    def uniform(self, n):
        """Return what ``runif(n)`` returns."""
        return np.frombuffer(self._state.bytes(4 * n), dtype="<u4") * _UNIT

    def normal(self, n):
        """Return what ``rnorm(n)`` returns."""
        u = self.uniform(2 * n).reshape(n, 2)
        return ndtri((np.floor(_DIGITS * u[:, 0]) + u[:, 1]) / _DIGITS)

    def permutation(self, n):
        """Return what ``sample(1:n)`` returns, counted from 0."""
        left, found = list(range(n)), []
        for u in self.uniform(n):
            place = int(len(left) * u)
            found.append(left[place])
            left[place] = left[-1]
            left.pop()
        return np.array(found)
