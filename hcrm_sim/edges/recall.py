"""Edges of recall, referral and file: overdue rechecks, adults, the potential pool, families and names."""

from datetime import date, timedelta

from hcrm_core.eye.age import years_before
from hcrm_core.terms import LeadKind, LensState, Outcome, ProductKind, Sex, VisitState
from hcrm_sim.edges.case import EdgeCase, EdgeExam, EdgeOrder, ago, arrived, series

# Days past the recheck date: reminded 3 days before, called after 7, lost after 30.
OVERDUE_EDGES = (-4, -3, -2, -1, 0, 1, 6, 7, 8, 29, 30, 31, 90)
CCT_EDGES = (479, 480, 481)  # µm (clinical pack 3)
STABILITY_EDGES = (0.50, 0.51, 1.00, 1.01)  # D over two years; 0.50 D a year is the guideline's limit
ONE_DAY = timedelta(days=1)


def recall_cases(today: date) -> list[EdgeCase]:
    """Families who are due, late, silent or not to be called."""
    late = _due(today, late=45, key="recheck-late-do-not-contact")
    tomorrow = (today + ONE_DAY, VisitState.BOOKED)
    seen = ago(today, 10)
    return [
        *(_due(today, late=days, key=f"recheck-{days}-days-late") for days in OVERDUE_EDGES),
        late.but(why="45 days late, does not want to be contacted", do_not_contact=True),
        late.but(key="recheck-late-booked", why="late, but coming tomorrow", visits=(*late.visits, tomorrow)),
        late.but(key="recheck-late-came", why="came after the date", visits=(*late.visits, *arrived(seen))),
        late.but(
            key="recheck-late-missed",
            why="missed a visit 10 days ago",
            visits=(*late.visits, (seen, VisitState.MISSED)),
        ),
        late.but(
            key="recheck-late-called", why="late, called yesterday", follow_ups=((ago(today, 1), Outcome.NO_ANSWER),)
        ),
        late.but(key="recheck-late-moved", why="late, moved away", follow_ups=((ago(today, 40), Outcome.MOVED_AWAY),)),
        late.but(key="recheck-late-no-phone", why="late, and no phone on file", phone=False),
        late.but(
            key="recheck-replanned",
            why="a later plan replaced the one that is past",
            plans=(*late.plans, (ago(today, 5), today + timedelta(days=60))),
        ),
    ]


def adult_cases(today: date) -> list[EdgeCase]:
    """Candidates for the refractive department, and those who just are not."""
    eighteenth = years_before(today, years=18)
    ages = {"tomorrow": eighteenth + ONE_DAY, "today": eighteenth, "yesterday": eighteenth - ONE_DAY}
    stable = _adult(today, key="adult-open-lead")
    return [
        *(_adult(today, key=f"adult-18-{name}").but(born=born) for name, born in ages.items()),
        *(_adult(today, key=f"adult-cct-{cct}", cct=cct) for cct in CCT_EDGES),
        _adult(today, key="adult-cct-unknown", cct=None),
        *(_adult(today, key=f"adult-change-{change:.2f}", change=change) for change in STABILITY_EDGES),
        *(_adult(today, key=f"adult-span-{span}", span=span) for span in (729, 730, 731)),
        stable.but(why="stable adult whose referral is under way", open_lead=LeadKind.REFERRAL.value),
        _adult(today, key="adult-one-thin-eye").but(
            exams=(
                EdgeExam(on=ago(today, 800), se=(-4.0, -4.0), cct=(540, 479)),
                EdgeExam(on=ago(today, 30), se=(-4.0, -4.0)),
            ),
            why="one cornea of 479 µm",
        ),
    ]


def file_cases(today: date) -> list[EdgeCase]:
    """The potential pool, families, and names that test a font or a search."""
    seen = ago(today, 60)
    look = EdgeExam(on=seen, se=(0.25, 0.5), axial=(23.1, 23.0), cycloplegic=True, state=LensState.NONE)
    filed = EdgeCase(
        key="potential-filed",
        why="on file after screening, never bought",
        born=years_before(today, years=7),
        filed_on=seen,
        exams=(look,),
        visits=arrived(seen),
    )
    given_back = EdgeOrder(
        product=ProductKind.SINGLE_VISION, on=ago(today, 900), ended_on=ago(today, 890), end_reason="returned"
    )
    elder = _due(today, late=3, key="sibling-elder").but(why="due together with the younger one")
    younger = elder.but(
        key="sibling-younger", why="shares a guardian with sibling-elder", family="sibling-elder",
        born=years_before(today, years=7), sex=Sex.MALE,
    )  # fmt: skip
    namesake = filed.but(key="namesake-one", name="李欣怡", why="same name and birthday as namesake-two")
    return [
        filed,
        filed.but(key="potential-bought-once", why="bought long ago and gave it back", orders=(given_back,)),
        filed.but(key="potential-no-exam", why="on file, never examined", exams=(), visits=()),
        filed.but(key="potential-yesterday", why="filed yesterday", filed_on=ago(today, 1), exams=(), visits=()),
        filed.but(key="no-birth-date", why="age unknown: nothing that asks for it may answer", born=None),
        filed.but(key="no-sex", why="sex unknown: no percentile", sex=None),
        elder,
        younger,
        namesake,
        namesake.but(key="namesake-two", why="same name and birthday as namesake-one"),
        *_rare_names(filed),
    ]


def _due(today: date, *, late: int, key: str) -> EdgeCase:
    due = ago(today, late)
    last = due - timedelta(days=90)
    first = last - timedelta(days=120)
    return EdgeCase(
        key=key,
        why=f"recheck {late} days past its date",
        born=years_before(today, years=9),
        filed_on=first,
        exams=series([(first, -1.25), (last, -1.37)]),
        orders=(EdgeOrder(product=ProductKind.FUNCTIONAL, on=first + ONE_DAY),),
        visits=arrived(first, last),
        plans=((first, last), (last, due)),
    )


def _adult(today: date, *, key: str, cct: int | None = 545, change: float = 0.25, span: int = 800) -> EdgeCase:
    last = ago(today, 30)
    first = last - timedelta(days=span)
    middle = last - timedelta(days=span // 2)
    points = [(first, -4.00), (middle, -4.00), (last, round(-4.00 - change, 2))]
    exams = series(points, axial=25.4, cct=(cct, cct))
    return EdgeCase(
        key=key,
        why=f"adult, {change:.2f} D in {span} days, cornea of {cct} µm",
        born=years_before(today, years=20),
        sex=Sex.MALE,
        filed_on=first,
        exams=exams,
        orders=(EdgeOrder(product=ProductKind.SINGLE_VISION, on=first + ONE_DAY),),
        visits=arrived(first, middle, last),
    )


def _rare_names(filed: EdgeCase) -> list[EdgeCase]:
    names = {
        "rare-name-supplementary": "王𬭎",  # U+2CB4E, outside the basic plane
        "rare-name-extension-a": "陈㼆",  # U+3F06
        "rare-name-feather": "孙翀",
        "rare-name-jade": "吕玥",
        "long-name": "阿卜杜热合曼·阿不都克里木",
        "compound-surname": "欧阳静姝",
    }
    return [filed.but(key=key, name=name, why="a name that fonts and search must bear") for key, name in names.items()]
