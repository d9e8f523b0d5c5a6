"""The other chapters: curves, what growth means, what can be done, and the next visit."""

from decimal import Decimal

from hcrm_central.handout.markup import Html, filled, joined, tag
from hcrm_central.handout.reading import ChildPage
from hcrm_central.handout.words import day, eye_name, words
from hcrm_core.curves.look import MINUS
from hcrm_core.curves.picture import Picture, Point
from hcrm_core.curves.svg import picture_svg
from hcrm_core.eye.references import TreatmentEffect
from hcrm_core.study import EyeStudy
from hcrm_core.terms import Eye
from hcrm_store.curve_words import picture_words
from hcrm_store.education import OptionCard, education

WIDTH, HEIGHT = 560, 330  # of a chart in its own units: small, so that its texts are large on a tablet


# ── curves ───────────────────────────────────────────────────────────────────────────────────────────────────


def curves(child: ChildPage) -> Html:
    """The pictures of the workstation, with every value in words behind each."""
    told, pictures = words("curves"), [child.eyes.axial, child.eyes.rate, child.eyes.refraction]
    drawn = [picture for picture in pictures if picture.points]
    if not drawn:
        return tag("p", told["none"])
    return joined(
        [
            tag("p", told["lead"]),
            *(part for picture in drawn for part in _shown(picture)),
            tag("p", told["bands"]),
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
    figures = [joined([tag("h2", eye_name(eye)), _figure(picture.projected(eye))]) for eye in eyes]
    return [tag("details", tag("summary", told), *figures, class_="card")] if figures else []


def _values(picture: Picture) -> Html:
    told = words("curves")
    head = tag("tr", *(tag("th", told[name]) for name in ("on", "eye", "value", "percentile")))
    rows = [_value(point) for point in sorted(picture.points, key=lambda point: (point.on, point.eye != Eye.OD))]
    title = f"{picture_words().titles[picture.quantity]} · {told['values']}"
    return tag("details", tag("summary", title), tag("table", head, *rows), class_="card")


def _value(point: Point) -> Html:
    value = f"{point.value:.2f}".replace("-", MINUS)
    return tag("tr", *(tag("td", text) for text in (day(point.on), eye_name(point.eye), value, point.percentile)))


# ── what growth means ────────────────────────────────────────────────────────────────────────────────────────


def meaning(child: ChildPage) -> Html:
    """What an axial length is, and how much of growth is usual at which age."""
    told = words("meaning")
    drawn = {"name": told["picture_name"], "left": told["picture_left"], "right": told["picture_right"]}
    return joined(
        [
            tag("p", education()("growth.what")),
            tag("p", education()("growth.why")),
            tag("figure", filled("eye.svg", **drawn), tag("figcaption", told["picture"], class_="quiet")),
            tag("h2", told["beside"]),
            _usual(child.eyes),
            tag("p", education()("growth.note")),
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
    cards = [_option(card, effects=child.eyes.references.effects) for card in education().cards]
    caveat = words("options")["caveat"]
    return joined([tag("p", education()("options.note")), *cards, tag("p", caveat, class_="source")])


def _option(card: OptionCard, *, effects: tuple[TreatmentEffect, ...]) -> Html:
    trials = [_trial(one) for one in effects if one.treatment in card.treatments]
    lines = [tag("li", line) for line in (*trials, *card.sources)]
    found = [tag("details", tag("summary", words("options")["more"]), tag("ul", *lines))] if lines else []
    return tag("div", tag("h2", card.title), tag("p", card.text), tag("p", card.effect), *found, class_="card")


def _trial(one: TreatmentEffect) -> str:
    return education()(
        "options.trial",
        population=education().population(one.population),
        months=one.months,
        reduction=f"{one.reduction_mm:.2f}",
        citation=one.citation,
    )


# ── the next visit ───────────────────────────────────────────────────────────────────────────────────────────


def next_visit(child: ChildPage) -> Html:
    """When, and what to bring."""
    taught = education()
    bring = [tag("li", taught(f"next.{name}")) for name in ("spectacles", "lens", "records", "questions")]
    return joined(
        [
            tag("p", _when(child), class_="card big"),
            tag("p", words("next")["why"]),
            tag("h2", taught("next.bring")),
            tag("ul", *bring),
        ]
    )


def _when(child: ChildPage) -> str:
    if child.next_on is None:
        return education()("next.none")
    name = "day" if child.next_on >= child.eyes.today else "passed"
    return education()(f"next.{name}", day=day(child.next_on))
