"""The child's story: when it began, how long each eye is, how much it grew beside the mean, and what is worn."""

from datetime import date

from hcrm_central.handout.markup import Html, joined, tag
from hcrm_central.handout.reading import ChildPage
from hcrm_central.handout.words import day, eye_name, words
from hcrm_core.curves.picture import Point
from hcrm_core.study import AxialVerdict, EyeStudy, Pace
from hcrm_core.terms import Eye
from hcrm_store.education import education

JUDGED = {Pace.LIKE, Pace.ABOVE, Pace.BELOW, Pace.FAST}


def story(child: ChildPage) -> Html:
    """In a few plain sentences; every figure is the study's."""
    told, eyes = words("story"), child.eyes
    basis = told["basis"].format(reference=eyes.references.axial_growth.label)
    return joined(
        [
            tag("p", _since(eyes)),
            tag("div", *(_card(eyes, eye) for eye in Eye), class_="cards"),
            *_worn(eyes),
            tag("p", basis, class_="source"),
        ]
    )


def _since(eyes: EyeStudy) -> str:
    told, exams = words("story"), eyes.valid_exams
    if not exams:
        return told["never"]
    first, last = exams[0].examined_on, exams[-1].examined_on
    if len(exams) == 1:
        return told["once"].format(day=day(first))
    return told["since"].format(first=day(first), last=day(last), count=len(exams))


def _card(eyes: EyeStudy, eye: Eye) -> Html:
    told, points = words("story"), eyes.axial.of(eye)
    title = tag("h2", eye_name(eye))
    if not points:
        return tag("div", title, tag("p", told["unmeasured"]), class_="card")
    growth = tag("p", growth_told(eyes.axial_verdicts[eye]))
    return tag("div", title, *_latest(points[-1]), growth, class_="card")


def _latest(point: Point) -> list[Html]:
    told = words("story")
    lines = [
        tag("p", told["latest"].format(value=f"{point.value:.2f}"), class_="big"),
        tag("p", told["latest_on"].format(day=day(point.on)), class_="quiet"),
    ]
    if point.percentile:
        lines.append(tag("p", told["place"].format(percentile=point.percentile)))
    return lines


def growth_told(verdict: AxialVerdict) -> str:
    """How one eye grew, beside the mean; or why nothing is said of it yet."""
    told, growth = words("story"), verdict.growth
    if growth.change is None or growth.from_on is None or growth.to_on is None:
        return told[growth.refusal or "no_pair"]
    days = {"start": day(growth.from_on), "end": day(growth.to_on)}
    if verdict.pace in (Pace.STEADY, Pace.SUSPECT):
        return told[verdict.pace].format(**days)
    parts = [told["grown"].format(change=f"{growth.change:.2f}", **days)]
    if verdict.mean_mm is not None:
        parts.append(told["mean"].format(mean=f"{verdict.mean_mm:.2f}"))
    if verdict.pace in JUDGED:
        rate = "" if growth.per_year is None else f"{growth.per_year:.2f}"  # FAST has one by its definition
        parts.append(told[verdict.pace].format(rate=rate))
    return "".join(parts)


def _worn(eyes: EyeStudy) -> list[Html]:
    told = words("story")
    worn = [(eye, _product(eyes, eye)) for eye in Eye]
    parts = [told["worn_by"].format(eye=eye_name(eye), product=product) for eye, product in worn if product]
    text = told["worn"].format(worn=words("common")["joint"].join(parts))
    return [tag("p", text, class_="card")] if parts else []


def _product(eyes: EyeStudy, eye: Eye) -> str:
    """What this eye wears today: the product of the lens that was dispensed last, if its wear did not end."""
    given = [(order.dispensed_on, order) for order in eyes.orders if order.eye is eye and order.dispensed_on]
    past = [(on, order) for on, order in given if on <= eyes.today]
    if not past:
        return ""
    order = max(past, key=lambda one: one[0])[1]
    return "" if _over(order.ended_on, today=eyes.today) else education()(f"product.{order.product}")


def _over(ended_on: date | None, *, today: date) -> bool:
    return ended_on is not None and ended_on <= today
