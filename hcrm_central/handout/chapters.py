"""The other chapters: curves, what growth means, what can be done, and the next visit."""

from decimal import Decimal

from hcrm_central.handout.markup import Html, filled, joined, tag
from hcrm_central.handout.reading import ChildPage
from hcrm_central.handout.words import day, words
from hcrm_core.curves.look import MINUS
from hcrm_core.curves.picture import Picture, Point
from hcrm_core.curves.svg import picture_svg
from hcrm_core.eye.references import TreatmentEffect
from hcrm_core.study import EyeStudy
from hcrm_core.terms import Eye
from hcrm_store.curve_words import picture_words

WIDTH, HEIGHT = 560, 330  # of a chart in its own units: small, so that its texts are large on a tablet
TREATMENTS = ("single_vision", "functional", "ok_lens", "atropine")


# ── curves ───────────────────────────────────────────────────────────────────────────────────────────────────


def curves(child: ChildPage) -> Html:
    """The pictures of the workstation, with every value in words behind each."""
    told, pictures = words("curves"), [child.eyes.axial, child.eyes.refraction]
    drawn = [picture for picture in pictures if picture.points]
    if not drawn:
        return tag("p", told["none"])
    return joined(
        [
            tag("p", told["lead"]),
            *(part for picture in drawn for part in _shown(picture)),
            tag("p", told["bands"]),
            tag("p", words("common")["source"].format(source=told["percentile_source"]), class_="source"),
        ]
    )


def _shown(picture: Picture) -> list[Html]:
    return [_figure(picture.projected(None)), *_later(picture), _values(picture)]


def _figure(picture: Picture) -> Html:
    """Drawn by the one function that draws pictures; its markup is ours."""
    return tag("figure", Html(picture_svg(picture, words=picture_words(), width=WIDTH, height=HEIGHT)))


def _later(picture: Picture) -> list[Html]:
    """Fans, behind a fold: only who asks is shown what may come, and as a range."""
    eyes = [eye for eye in Eye if any(fan.eye is eye for fan in picture.fans)]
    told = words("curves")["later"]
    figures = [joined([tag("h2", words("eyes")[eye]), _figure(picture.projected(eye))]) for eye in eyes]
    return [tag("details", tag("summary", told), *figures, class_="card")] if figures else []


def _values(picture: Picture) -> Html:
    told = words("curves")
    head = tag("tr", *(tag("th", told[name]) for name in ("on", "eye", "value", "percentile")))
    rows = [_value(point) for point in sorted(picture.points, key=lambda point: (point.on, point.eye != Eye.OD))]
    title = f"{picture_words().titles[picture.quantity]} · {told['values']}"
    return tag("details", tag("summary", title), tag("table", head, *rows), class_="card")


def _value(point: Point) -> Html:
    value = f"{point.value:.2f}".replace("-", MINUS)
    return tag("tr", *(tag("td", text) for text in (day(point.on), words("eyes")[point.eye], value, point.percentile)))


# ── what growth means ────────────────────────────────────────────────────────────────────────────────────────


def meaning(child: ChildPage) -> Html:
    """What an axial length is, and how much of growth is usual at which age."""
    told = words("meaning")
    drawn = {"name": told["picture_name"], "left": told["picture_left"], "right": told["picture_right"]}
    return joined(
        [
            tag("p", told["lead"]),
            tag("p", told["why"]),
            tag("figure", filled("eye.svg", **drawn), tag("figcaption", told["picture"], class_="quiet")),
            tag("h2", told["beside"]),
            _usual(child.eyes),
            tag("p", told["noise"]),
            *(tag("p", source, class_="source") for source in _sources(child.eyes)),
        ]
    )


def _usual(eyes: EyeStudy) -> Html:
    """Only ages that were published, beside each other."""
    told, references = words("meaning"), eyes.references
    head = tag("tr", *(tag("th", told[name]) for name in ("age", "myopic", "healthy")))
    rows = [
        tag("tr", *(tag("td", text) for text in (told["years"].format(years=age), _mm(rate), _healthy(eyes, age=age))))
        for age, rate in references.axial_growth.rates
    ]
    return tag("table", head, *rows, class_="card")


def _healthy(eyes: EyeStudy, *, age: Decimal) -> str:
    rates = eyes.references.emmetropic_growth[0].rates_at(age)
    return _mm(rates[0]) if rates else ""


def _mm(rate: Decimal) -> str:
    return words("meaning")["millimetres"].format(value=f"{rate:.2f}")


def _sources(eyes: EyeStudy) -> list[str]:
    told, references = words("meaning"), eyes.references
    tables = (references.axial_growth, references.emmetropic_growth[0])
    published = [words("common")["source"].format(source=f"{one.label}. {one.citation}") for one in tables]
    return [*published, told["noise_source"], told["axial_source"]]


# ── what can be done ─────────────────────────────────────────────────────────────────────────────────────────


def options(child: ChildPage) -> Html:
    """Each way with what trials found, in millimetres; no ranking and no price."""
    told, effects = words("options"), child.eyes.references.effects
    cards = [_option(key, effects=[one for one in effects if one.treatment.startswith(key)]) for key in TREATMENTS]
    return joined(
        [
            tag("p", told["lead"]),
            *cards,
            tag("p", told["choose"]),
            tag("p", told["caveat"]),
            tag("p", words("common")["source"].format(source=told["text_source"]), class_="source"),
        ]
    )


def _option(key: str, *, effects: list[TreatmentEffect]) -> Html:
    told = words("options")
    lines = [tag("li", _effect(one), tag("div", f"{one.trial} · {one.citation}", class_="source")) for one in effects]
    found = [tag("details", tag("summary", told["more"]), tag("ul", *lines))] if lines else []
    return tag("div", tag("h2", told[key]), tag("p", told[f"{key}_text"]), *found, class_="card")


def _effect(one: TreatmentEffect) -> str:
    told = words("options")
    ages = told["ages"].format(first=one.age_from, last=one.age_to) if one.age_from is not None else ""
    population = words("populations").get(one.population, one.population)
    whole = {"population": population, "ages": ages, "reduction": f"{one.reduction_mm:.2f}"}
    whole["duration"] = words("common")["months"].format(months=one.months)
    if one.treated_mm is None or one.control_mm is None:
        return told["difference"].format(**whole)
    return told["arms"].format(treated=f"{one.treated_mm:.2f}", control=f"{one.control_mm:.2f}", **whole)


# ── the next visit ───────────────────────────────────────────────────────────────────────────────────────────


def next_visit(child: ChildPage) -> Html:
    """When, and what to bring."""
    told = words("next")
    return joined(
        [
            tag("p", _when(child), class_="card big"),
            tag("p", told["why"]),
            tag("h2", told["bring"]),
            tag("ul", *(tag("li", told[f"bring_{number}"]) for number in (1, 2, 3))),
        ]
    )


def _when(child: ChildPage) -> str:
    told = words("next")
    if child.next_on is None:
        return told["open"]
    if child.booked:
        return told["booked"].format(day=day(child.next_on))
    return told["due" if child.next_on >= child.eyes.today else "passed"].format(day=day(child.next_on))
