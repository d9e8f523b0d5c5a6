"""The printed chart: the same points as the picture, its sources, and nothing that names a child."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from hcrm_core.curves.look import PictureColours
from hcrm_core.curves.picture import Band, Fan, Mean, Picture, Scenario, Slope, Target
from hcrm_core.curves.svg import picture_svg
from hcrm_core.record import MedicationRow
from hcrm_core.terms import Eye, Medicine, Sex, Source
from hcrm_desktop.cache.rows import CustomerRecord
from hcrm_desktop.theme import LIGHT
from hcrm_desktop.views.record import study as records
from hcrm_store.base import new_id
from hcrm_store.curve_words import picture_words
from tests.gui.record.records import TODAY, exam, eye, full_record, record, without

SVG = "{http://www.w3.org/2000/svg}"


def pictures(customer: CustomerRecord) -> tuple[Picture, ...]:
    shown = records.study(customer, today=TODAY).eyes
    return shown.axial, shown.refraction


def drawn(picture: Picture) -> ElementTree.Element:
    return ElementTree.fromstring(picture_svg(picture, words=picture_words()))  # noqa: S314 - our own


def named(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [element for element in root.iter() if element.get("class") == name]


def texts(root: ElementTree.Element) -> str:
    return "\n".join(element.text or "" for element in root.iter())


@pytest.mark.parametrize("number", [0, 1])
def test_every_point_of_the_picture_is_on_the_paper_and_no_other(number: int) -> None:
    picture = pictures(full_record())[number]

    found = [
        (one.get("data-eye"), one.get("data-on"), one.get("data-value"), one.get("data-mark"))
        for one in named(drawn(picture), "point")
    ]

    assert found == [(p.eye.value, f"{p.on}", f"{p.value}", p.mark.value) for p in picture.points]


def test_later_points_stand_further_right_and_longer_eyes_higher() -> None:
    picture = pictures(full_record())[0]
    circles = list(drawn(picture).iter(f"{SVG}circle"))
    places = [(float(one.get("cx", "")), float(one.get("cy", ""))) for one in circles]

    assert places == sorted(places)
    assert [y for _, y in places] == sorted((y for _, y in places), reverse=True)


def test_readings_are_joined_on_paper_as_on_the_screen() -> None:
    axial, refraction = pictures(full_record())

    assert len(named(drawn(axial), "joint")) == 14
    assert len(named(drawn(refraction), "joint")) == 6


def test_the_reference_stands_on_the_paper_with_its_version() -> None:
    axial, _ = pictures(full_record())

    assert "Wuhan 2022 v1" in texts(drawn(axial))
    assert len(named(drawn(axial), "band")) == 3


@pytest.mark.parametrize(
    "customer",
    [
        pytest.param(record(), id="no examination"),
        pytest.param(record(exam(TODAY, None, eye(Eye.OS, length="23.40"))), id="one eye"),
        pytest.param(without(full_record(), sex=None), id="sex unknown"),
        pytest.param(without(full_record(), birth_date=None), id="birth date unknown"),
        pytest.param(without(full_record(), birth_date=date(2006, 1, 1), sex=Sex.MALE), id="grown up"),
    ],
)
def test_every_record_can_be_printed_and_says_what_is_missing(customer: CustomerRecord) -> None:
    axial, refraction = pictures(customer)

    assert not named(drawn(axial), "band") or axial.reference in texts(drawn(axial))
    for picture in (axial, refraction):
        assert all(note in texts(drawn(picture)) for note in picture_words().notes(picture))


def test_the_paper_names_no_child_and_no_examination() -> None:
    customer = full_record()
    told = "".join(picture_svg(picture, words=picture_words()) for picture in pictures(customer))

    head = customer.header
    ids = [f"{exam.id}" for exam in customer.exams]
    private = (head.name, head.phone, head.guardian_name, head.school, *ids)
    assert not [text for text in private if text and text in told]


def test_a_page_with_a_strict_policy_can_show_it() -> None:
    root = drawn(pictures(full_record())[0])

    assert not [one for one in root.iter() if "style" in one.attrib or one.tag.endswith(("style", "script", "image"))]
    assert root.find(f"{SVG}title") is not None
    assert "2026-11-14 右眼 24.25 P" in (root.findtext(f"{SVG}desc") or "")


def extended(picture: Picture) -> Picture:
    start, end = picture.x_range
    band = Band(xs=(start, end), low=(23.2, 23.4), high=(23.4, 23.6))
    fans = [Fan(eye=one, scenario=Scenario.UNTREATED, band=_spread(end), source="来源 v1") for one in Eye]
    slope = Slope(
        eye=Eye.OD, product=None, start=(start, 23.2), end=(end, 24.0), per_year=Decimal("0.5"), error=Decimal("0.1")
    )
    return replace(
        picture,
        target=Target(band=band, source="正视 v1"),
        means=(Mean(xs=(start, end), ys=(23.5, 23.9), source="平均 v1"),),
        fans=tuple(fans),
        slopes=(slope,),
    )


def _spread(end: float) -> Band:
    return Band(xs=(end, 18.0), low=(24.3, 25.0), high=(24.3, 26.4))


def test_a_projection_is_a_room_between_two_bounds_with_its_source_and_only_if_wished() -> None:
    picture = extended(pictures(full_record())[0])

    (fan,) = named(drawn(picture.projected(Eye.OS)), "fan")
    assert fan.get("data-scenario") == "untreated"
    assert "来源 v1" in texts(drawn(picture.projected(Eye.OS)))
    assert named(drawn(picture.projected(None)), "fan") == []
    assert picture.projected(None).x_range == picture.x_range


def test_a_projection_makes_room_for_its_bounds_and_its_end() -> None:
    picture = extended(pictures(full_record())[0]).projected(Eye.OD)

    assert picture.x_range[1] > 18
    assert picture.y_range[1] > 26.4


def test_target_mean_and_slope_are_drawn_and_named() -> None:
    root = drawn(extended(pictures(full_record())[0]).projected(None))

    assert [len(named(root, name)) for name in ("target", "mean", "slope")] == [1, 1, 1]
    assert "正视 v1" in texts(root)
    assert "平均 v1" in texts(root)


def test_the_colours_of_the_paper_are_those_of_the_light_theme() -> None:
    paper = PictureColours()

    assert (paper.right, paper.left, paper.bands) == (LIGHT.od, LIGHT.os, LIGHT.band)
    assert (paper.surface, paper.text, paper.text2, paper.grid) == (LIGHT.surface, LIGHT.text, LIGHT.text2, LIGHT.grid)
    assert (paper.warn, paper.target, paper.ok_lens[0]) == (LIGHT.warn, LIGHT.ok, LIGHT.primary)


def test_every_shape_stays_on_the_paper() -> None:
    root = drawn(extended(pictures(full_record())[0]).projected(Eye.OD))
    width, height = float(root.get("width", "")), float(root.get("height", ""))

    paths = [one.get("d", "") for one in root.iter(f"{SVG}path")]
    places = [part.split() for path in paths for part in path.replace("Z", "").replace("M", "L").split("L") if part]
    assert all(0 <= float(x) <= width and 0 <= float(y) <= height for x, y in (place for place in places if place))


def test_drops_lie_in_a_lane_of_their_own_below_what_the_eyes_wear() -> None:
    customer = full_record()
    course = MedicationRow(
        id=new_id(),
        medicine=Medicine.ATROPINE,
        percent=Decimal("0.05"),
        started_on=date(2025, 1, 1),
        ended_on=None,
        end_reason="",
        note="",
        by="",
        source=Source.WORKSTATION,
    )
    for picture in pictures(replace(customer, medications=(course,))):
        root = drawn(picture)
        lane = [float(one.get("y", "")) for one in named(root, "course")]
        assert len(lane) == 1
        assert all(float(one.get("y", "")) < lane[0] for one in named(root, "ribbon"))
        assert "阿托品 0.05%" in texts(root)
    assert not any(named(drawn(picture), "course") for picture in pictures(customer))
