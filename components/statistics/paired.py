"""Two arms on the same units: the difference with its interval, a test, and what the failures could have made of it.

Read: unit -> score, None where it failed. Needed: numpy. A failure is never a score: the difference is over the units
that both arms have, and `bound_low` to `bound_high` is what it would be over all of them if each missing score were the
worst or the best for the treatment (Manski 1990). `found` asks both the interval and the test, so that where one of
them is a little too eager (percentile intervals of few units are) the other one holds.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from components.statistics.estimate import Estimate, expanded_tail
from components.statistics.means import RESAMPLES, SEED
from components.statistics.resampling import LEVEL, Floats, never_certain, weights

FLIPS = 9999
EXACT = 12
"""Up to so many units every assignment of signs is tried (2^12); above, FLIPS random ones."""
_EQUAL = 1e-9
ALPHA = 1 - LEVEL


@dataclass(frozen=True, slots=True)
class Paired:
    """Treatment minus baseline over the `n` units that both have.

    `difference` is the mean, `low` to `high` its 95 % interval (expanded percentiles), `p` two-sided by flipping signs,
    not corrected for other comparisons; `effect_size`: Cohen's dz, the mean over the standard deviation of the
    differences. `failed_*`: units without a score in that arm, `kinds_*` by why. `bound_*` are over `units`, those that
    either arm names.
    """

    n: int
    units: int
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    effect_size: float | None
    wins: int
    ties: int
    losses: int
    win_rate: Estimate
    failed_treatment: int
    failed_baseline: int
    bound_low: float | None
    bound_high: float | None
    kinds_treatment: Mapping[str, int] = field(default_factory=dict)
    kinds_baseline: Mapping[str, int] = field(default_factory=dict)

    @property
    def found(self) -> bool:
        """A difference that chance would not explain: p below 0.05 and 0 outside the interval."""
        return self.is_found(self.p)

    def is_found(self, p: float | None) -> bool:
        """The same with a corrected p."""
        if p is None or self.low is None or self.high is None:
            return False
        return p < ALPHA and (self.low > 0 or self.high < 0)

    @property
    def robust(self) -> bool:
        """No scores in place of the failures could turn the difference around."""
        return self.bound_low is not None and self.bound_high is not None and self.bound_low * self.bound_high > 0


def paired(
    treatment: Mapping[str, float | None],
    baseline: Mapping[str, float | None],
    scale: tuple[float, float] = (1, 10),
    *,
    kinds: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {}),
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Paired:
    """Compares two arms by unit; a unit that only one of them names has failed in the other. `kinds`: for each arm unit
    -> why it failed. The order of the mappings does not matter."""
    units = sorted({*treatment, *baseline})
    one, other = (np.array([_number(arm.get(unit)) for unit in units]) for arm in (treatment, baseline))
    both = ~np.isnan(one) & ~np.isnan(other)
    gaps = one[both] - other[both]
    gaps[np.abs(gaps) < _EQUAL] = 0.0
    n = len(gaps)
    low, high = _interval(gaps, resamples, seed)
    wins, losses = int((gaps > 0).sum()), int((gaps < 0).sum())
    spread = float(gaps.std(ddof=1)) if n > 1 else 0.0
    floor, ceiling = scale
    return Paired(
        n=n,
        units=len(units),
        difference=float(gaps.mean()) if n else None,
        low=low,
        high=high,
        p=sign_flip_p(gaps, seed=seed),
        effect_size=float(gaps.mean()) / spread if spread > _EQUAL else None,
        wins=wins,
        ties=n - wins - losses,
        losses=losses,
        win_rate=win_rate(wins, n - wins - losses, losses, resamples=resamples, seed=seed),
        failed_treatment=int(np.isnan(one).sum()),
        failed_baseline=int(np.isnan(other).sum()),
        bound_low=float((_filled(one, floor) - _filled(other, ceiling)).mean()) if units else None,
        bound_high=float((_filled(one, ceiling) - _filled(other, floor)).mean()) if units else None,
        kinds_treatment=_counted(kinds[0], units, one),
        kinds_baseline=_counted(kinds[1], units, other),
    )


def sign_flip_p(differences: Floats, flips: int = FLIPS, seed: int = SEED) -> float | None:
    """Two-sided p of the mean under random signs (Fisher 1935): exact up to EXACT differences that are not 0, else
    (as extreme + 1) / (flips + 1). None below two units; 1 where all are 0."""
    moved = differences[np.abs(differences) > _EQUAL]
    if len(differences) < 2:
        return None
    if not len(moved):
        return 1.0
    seen = abs(float(moved.sum())) - _EQUAL * len(moved)
    if len(moved) <= EXACT:
        every = (np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved))) & 1
        return float((np.abs((2 * every - 1) @ moved) >= seen).mean())
    # Eight coins are a byte, and what each of its 256 values adds up to is known before: sums are look-ups.
    eights = np.pad(moved, (0, -len(moved) % 8)).reshape(-1, 8)
    sums = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1) @ eights.T
    rng = np.random.default_rng(seed)
    extreme, part = 0, max(1, 4_000_000 // len(eights))
    for start in range(0, flips, part):
        coins = rng.integers(0, 256, size=(min(part, flips - start), len(eights)), dtype=np.uint8)
        heads = sums[coins, np.arange(len(eights))].sum(1)
        extreme += int((np.abs(2 * heads - moved.sum()) >= seen).sum())
    return (extreme + 1) / (flips + 1)


def win_rate(wins: int, ties: int, losses: int, *, resamples: int = RESAMPLES, seed: int = SEED) -> Estimate:
    """Wins and half the ties over all, with the 95 % percentile interval of resampled units."""
    n = wins + ties + losses
    if not n:
        return Estimate(None, None, None, 0)
    value = (wins + ties / 2) / n
    if n < 2:
        return Estimate(value, None, None, n)
    drawn = np.random.default_rng(seed).multinomial(n, [wins / n, ties / n, losses / n], size=resamples)
    low, high = np.quantile((drawn[:, 0] + drawn[:, 1] / 2) / n, [ALPHA / 2, 1 - ALPHA / 2])
    low, high = never_certain(value, float(low), float(high), n)
    return Estimate(value, low, high, n)


def _interval(gaps: Floats, resamples: int, seed: int) -> tuple[float | None, float | None]:
    if len(gaps) < 2:
        return None, None
    names = [str(at) for at in range(len(gaps))]
    drawn = np.concatenate([part @ gaps / len(gaps) for part in weights(names, resamples, seed)])
    tail = expanded_tail(len(gaps))
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def _number(score: float | None) -> float:
    return float("nan") if score is None else float(score)


def _filled(scores: Floats, value: float) -> Floats:
    return np.where(np.isnan(scores), value, scores)


def _counted(kinds: Mapping[str, str], units: list[str], scores: Floats) -> dict[str, int]:
    failed = [unit for unit, score in zip(units, scores, strict=True) if np.isnan(score)]
    return dict(sorted(Counter(kinds.get(unit, "missing") for unit in failed).items()))
