"""Edges of lens age: reminder, replacement due, lost to follow-up, one eye only, wash-out."""

from datetime import date

from hcrm_core.eye.age import years_before
from hcrm_core.terms import Eye, LensState, ProductKind
from hcrm_sim.edges.case import EdgeCase, EdgeExam, EdgeOrder, ago, arrived

OK = ProductKind.OK_LENS
# 550 days: requirement R4.1f. 365 and 480: reminders before (clinical pack 4.6). 120: no activity (the same).
REPLACEMENT_EDGES = (364, 365, 366, 479, 480, 481, 549, 550, 551)
SILENCE_EDGES = (119, 120, 121)
NEW_WEARER_EDGES = (1, 2, 7, 8, 30, 31)  # days after the first night: looks at 1 day, 1 week, 1 month (ROMIO 2012)
WASHOUT_EDGES = (27, 28, 29)  # days after which refraction counts again (clinical pack 4.2)


def lens_cases(today: date) -> list[EdgeCase]:
    """Wearers of OK lenses of every age that a rule asks about."""
    cases = [_wearer(today, days=days, seen=20, key=f"ok-{days}-days") for days in REPLACEMENT_EDGES]
    cases += [_wearer(today, days=days, seen=200, key=f"ok-{days}-days-silent") for days in (549, 550, 551)]
    cases += [_wearer(today, days=560, seen=days, key=f"ok-560-days-silent-{days}") for days in SILENCE_EDGES]
    cases += [_new_wearer(today, days=days) for days in NEW_WEARER_EDGES]
    return cases + _single_lenses(today) + _ended(today) + [_washed_out(today, days=days) for days in WASHOUT_EDGES]


def _wearer(today: date, *, days: int, seen: int, key: str) -> EdgeCase:
    worn_since = ago(today, days)
    last = ago(today, seen)
    baseline = EdgeExam(on=ago(today, days + 10), se=(-2.5, -2.25), axial=(24.6, 24.5), state=LensState.NONE)
    under_lens = EdgeExam(on=last, se=(-0.25, 0.0), axial=(24.75, 24.66), cct=(540, 543), state=LensState.OK_LENS)
    return EdgeCase(
        key=key,
        why=f"OK lenses handed over {days} days ago, last here {seen} days ago",
        born=years_before(today, years=11),
        filed_on=baseline.on,
        exams=(baseline, under_lens),
        orders=(EdgeOrder(product=OK, on=worn_since),),
        visits=arrived(baseline.on, last),
    )


def _new_wearer(today: date, *, days: int) -> EdgeCase:
    wearer = _wearer(today, days=days, seen=days, key=f"ok-new-{days}-days")
    fitted = wearer.exams[0]
    return wearer.but(why=f"first night {days} days ago, not seen since", exams=(fitted,), visits=arrived(fitted.on))


def _single_lenses(today: date) -> list[EdgeCase]:
    old = _wearer(today, days=560, seen=20, key="ok-right-replaced")
    new_right = EdgeOrder(product=OK, on=ago(today, 100), eyes=(Eye.OD,))
    right = old.but(why="right lens replaced 100 days ago, left one 560 days old", orders=(*old.orders, new_right))
    lost = EdgeOrder(product=OK, on=ago(today, 551), eyes=(Eye.OS,), ended_on=ago(today, 60), end_reason="lost")
    kept = EdgeOrder(product=OK, on=ago(today, 551), eyes=(Eye.OD,))
    new_left = EdgeOrder(product=OK, on=ago(today, 55), eyes=(Eye.OS,))
    left = _wearer(today, days=551, seen=20, key="ok-left-lost").but(
        why="left lens lost and replaced, right one 551 days old", orders=(lost, kept, new_left)
    )
    one_eyed = _wearer(today, days=551, seen=20, key="ok-one-eye-only").but(
        why="only the right eye wears a lens, 551 days old",
        orders=(EdgeOrder(product=OK, on=ago(today, 551), eyes=(Eye.OD,)),),
    )
    return [right, left, one_eyed]


def _ended(today: date) -> list[EdgeCase]:
    worn = _wearer(today, days=700, seen=90, key="ok-replaced-in-time")
    replaced = worn.but(
        why="replaced after 500 days: 200 days old now",
        orders=(*worn.orders, EdgeOrder(product=OK, on=ago(today, 200))),
    )
    given_up = EdgeOrder(product=OK, on=ago(today, 600), ended_on=ago(today, 300), end_reason="stopped")
    stopped = _wearer(today, days=600, seen=300, key="ok-stopped").but(
        why="stopped OK lenses 300 days ago: not overdue", orders=(given_up,)
    )
    frame = EdgeOrder(product=ProductKind.SINGLE_VISION, on=ago(today, 200))
    back = stopped.but(key="ok-back-to-frame", why="stopped OK lenses, in spectacles since", orders=(given_up, frame))
    return [replaced, stopped, back]


def _washed_out(today: date, *, days: int) -> EdgeCase:
    wearer = _wearer(today, days=400, seen=30, key=f"ok-washout-{days}")
    after = EdgeExam(
        on=ago(today, 5), se=(-3.0, -2.75), axial=(24.8, 24.7), state=LensState.OK_WASHOUT, washout_days=days
    )
    return wearer.but(
        why=f"measured after {days} nights without lenses",
        exams=(*wearer.exams, after),
        visits=(*wearer.visits, *arrived(after.on)),
    )
