"""How simulated eyes grow: published rates by age and refractive group, slowed by what the child wears.

Sources, and what is assumed where there is none, stand in docs/simulation.md.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MONTHS_PER_YEAR = 12
DAYS_PER_MONTH = 365.25 / MONTHS_PER_YEAR


class Tendency(IntEnum):
    """Where an untreated eye is heading."""

    MYOPE = 0  # is, or will be, a myope: incident and baseline myopes grow alike (0.33 and 0.34 mm/y at 10.5)
    EMMETROPE = 1
    HYPEROPE = 2


class Wear(IntEnum):
    """What is worn."""

    NOTHING = 0
    SINGLE_VISION = 1
    FUNCTIONAL = 2
    OK_LENS = 3


# mm a year at an age in years: Naduvilath 2023, 4701 Chinese children (anchors at 6, 10.5 and 15). Nothing was
# found beyond 15: rates are let run out at 20. Below 6 the rate of 6 is held.
_ANCHORS: dict[Tendency, tuple[tuple[float, float], ...]] = {
    Tendency.MYOPE: ((6.0, 0.58), (10.5, 0.34), (15.0, 0.13), (20.0, 0.0)),
    Tendency.EMMETROPE: ((6.0, 0.45), (10.5, 0.20), (15.0, 0.06), (20.0, 0.0)),
    Tendency.HYPEROPE: ((6.0, 0.27), (15.0, 0.05), (20.0, 0.0)),
}

# mm a year taken off the untreated rate, absolute and not a share (clinical pack 2.4): half of the 24-month
# differences of ROMIO 2012 (0.27) for OK lenses, DIMS 2020 (0.34) and HAL 2022 (0.35) for functional spectacles.
REDUCTION: dict[Wear, float] = {
    Wear.NOTHING: 0.0,
    Wear.SINGLE_VISION: 0.0,
    Wear.FUNCTIONAL: 0.17,
    Wear.OK_LENS: 0.135,
}


def untreated_rate(age_years: Floats, *, tendency: Ints) -> Floats:
    """Mean axial growth without treatment.

    Args:
        age_years: ages; any shape whose first axis is the child.
        tendency: one `Tendency` for each child.

    Returns:
        mm a year, in the shape of the ages.
    """
    rate = np.zeros_like(age_years)
    for kind, anchors in _ANCHORS.items():
        ages, rates = zip(*anchors, strict=True)
        rate[tendency == kind] = np.interp(age_years[tendency == kind], ages, rates)
    return rate


def gained(
    start_age: Floats, *, tendency: Ints, vigour: Floats, wear: Ints, extra_rate: Floats | float = 0.0
) -> Floats:
    """Axial length gained since the start, month by month.

    Args:
        start_age: years, one for each child.
        tendency: one `Tendency` for each child.
        vigour: each child's multiple of the mean rate (mean 1).
        wear: `Wear` by child and month.
        extra_rate: mm a year on top, for eyes that grow when they should not.

    Returns:
        mm by child and month, beginning with 0: one month more than `wear`.
    """
    months = wear.shape[1]
    ages = start_age[:, None] + np.arange(months) / MONTHS_PER_YEAR
    rate = untreated_rate(ages, tendency=tendency) * vigour[:, None]
    rate += np.broadcast_to(extra_rate, start_age.shape)[:, None]
    reduction = np.array([REDUCTION[kind] for kind in Wear])[wear]
    slowed = np.maximum(rate - reduction, 0.0)
    steps = np.cumsum(slowed / MONTHS_PER_YEAR, axis=1)
    return np.concatenate([np.zeros((len(start_age), 1)), steps], axis=1)


def at_days(path: Floats, *, child: Ints, days: Ints) -> Floats:
    """A monthly path read at days since its start, between months along a line.

    Args:
        path: by child and month.
        child: which row, for each reading.
        days: days since the start, for each reading.
    """
    month = np.clip(days / DAYS_PER_MONTH, 0, path.shape[1] - 1.001)
    whole = month.astype(np.int64)
    part = month - whole
    before, after = path[child, whole], path[child, whole + 1]
    return np.asarray(before * (1 - part) + after * part, dtype=np.float64)
