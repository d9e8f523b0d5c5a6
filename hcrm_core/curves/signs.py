"""What stands at the foot of a chart beside the ribbons: drops, changes of device, and wash-out after an OK lens."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise

from hcrm_core.curves.picture import Glyph, Scale, Sign, Washout
from hcrm_core.facts.growth import WASHOUT_DAYS
from hcrm_core.record import ExamRecord, OrderRecord
from hcrm_core.terms import Eye, ProductKind


def cycloplegia_glyphs(exams: Iterable[ExamRecord], *, scale: Scale) -> tuple[Glyph, ...]:
    """One for each day with drops; without them and unknown both have none."""
    days = sorted({exam.examined_on for exam in exams if exam.cycloplegic})
    return tuple(Glyph(sign=Sign.CYCLOPLEGIA, on=day, x=scale.x(day)) for day in days)


def device_glyphs(exams: Iterable[ExamRecord], *, scale: Scale) -> tuple[Glyph, ...]:
    """One for each day on which another device measured than the known one before: devices differ by up to
    0.05 mm (clinical reference pack §4.4)."""
    named = sorted((exam for exam in exams if exam.device), key=lambda exam: exam.examined_on)
    return tuple(
        Glyph(sign=Sign.DEVICE, on=later.examined_on, x=scale.x(later.examined_on), device=later.device)
        for earlier, later in pairwise(named)
        if earlier.device != later.device
    )


def washouts(
    orders: Sequence[OrderRecord],
    *,
    scale: Scale,
    x_range: tuple[float, float],
    today: date,
    washout_days: int = WASHOUT_DAYS,
) -> tuple[Washout, ...]:
    """Per eye, the days after the last OK lens during which its refraction does not count yet.

    A lens that another OK lens followed within that time has none: the eye never recovered.
    """
    found = []
    for eye in Eye:
        lenses = [o for o in orders if o.eye is eye and o.product is ProductKind.OK_LENS and o.dispensed_on]
        for ended in sorted({lens.ended_on for lens in lenses if lens.ended_on}):
            over = ended + timedelta(days=washout_days)
            if ended <= today and not any(_worn_within(lens, after=ended, until=over) for lens in lenses):
                found.append(Washout(eye=eye, start=scale.x(ended), end=scale.x(over)))
    low, high = x_range
    return tuple(one for one in found if low <= one.start and one.end <= high)


def _worn_within(lens: OrderRecord, *, after: date, until: date) -> bool:
    """Whether a lens was worn in the days after another one ended."""
    begun, ended = lens.dispensed_on, lens.ended_on
    return begun is not None and begun <= until and (ended is None or ended > after)
