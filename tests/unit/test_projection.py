"""Where an eye may go until 18: rooms with their sources, or why none is told."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcrm_core.curves.picture import Scenario
from hcrm_core.curves.projection import Projection, Projections, fans, projections
from hcrm_core.eye.percentiles import Refused
from hcrm_core.terms import Eye, ProductKind
from hcrm_store.references import references

UNTREATED, PHYSIOLOGICAL, TREATED = Scenario.UNTREATED, Scenario.PHYSIOLOGICAL, Scenario.TREATED


def project(
    age: str | None = "8",
    *,
    length: str | None = "24.00",
    myopic: bool | None = True,
    worn: ProductKind | None = None,
) -> Projections:
    return projections(
        None if length is None else Decimal(length),
        age=None if age is None else Decimal(age),
        myopic=myopic,
        worn=worn,
        references=references(),
    )


def told(found: Projection | Refused) -> Projection:
    assert isinstance(found, Projection)
    return found


def test_untreated_growth_is_the_published_mean_with_room_on_both_sides() -> None:
    one = told(project("8")[UNTREATED])

    mean = Decimal("1.0175") + Decimal("1.0575")  # 0.474–0.34 until 10.5, 0.34–0.13 until 15, each half-way
    middle = (one.low[-1] + one.high[-1]) / 2 - 24
    assert abs(middle - mean) < Decimal("0.01")
    # 0.30, twice 0.20, three times 0.10, and as much as healthy eyes at 14: 0.021
    assert one.low[-1] - Decimal("23.94") == Decimal("1.02")
    assert one.ends_at == 15, "published ages end there"
    assert one.sources == ("Naduvilath 2023 v1", "SV medians 2025 v1")


def test_physiological_growth_goes_on_to_18() -> None:
    one = told(project("8")[PHYSIOLOGICAL])

    assert one.ends_at == 18
    assert one.sources == ("Yii 2023 refit v1", "CLEERE v1")
    assert one.low[-1] < one.high[-1] < told(project("8")[UNTREATED]).low[-1]


def test_treatment_takes_absolute_millimetres_off_and_its_upper_bound_ends_with_the_trial() -> None:
    found = project("8", worn=ProductKind.FUNCTIONAL)
    treated, untreated = told(found[TREATED]), told(found[UNTREATED])

    # The least effect of the trials is 0.18 mm in 24 months (SAL); after them the bounds run alike.
    assert untreated.high[-1] - treated.high[-1] == Decimal("0.18")
    assert treated.low[-1] < untreated.low[-1]
    assert treated.sources[2:] == ("DIMS", "HAL", "HAL 12 months", "SAL")


def test_treatment_never_promises_less_than_healthy_eyes_grow() -> None:
    found = project("13", worn=ProductKind.FUNCTIONAL)

    treated, physiological = told(found[TREATED]), told(found[PHYSIOLOGICAL])
    at_15 = physiological.low[physiological.ages.index(Decimal(15))]
    assert treated.low[-1] == at_15, "from 13 on the effect of the trials is more than there is to take off"


@pytest.mark.parametrize(
    ("age", "worn", "trials"),
    [
        ("7", None, ("ROMIO",)),
        ("7", ProductKind.SINGLE_VISION, ("ROMIO",)),
        ("9", ProductKind.OK_LENS, ("ROMIO",)),
        ("10.9999", ProductKind.OK_LENS, ("ROMIO",)),
        ("11", ProductKind.OK_LENS, ()),
        ("7.9999", ProductKind.FUNCTIONAL, ()),
        ("13.9999", ProductKind.FUNCTIONAL, ("DIMS", "HAL", "HAL 12 months", "SAL")),
        ("14", ProductKind.FUNCTIONAL, ()),
    ],
)
def test_trials_speak_for_the_ages_of_their_children_alone(
    age: str, worn: ProductKind | None, trials: tuple[str, ...]
) -> None:
    found = project(age, worn=worn)[TREATED]

    if trials:
        assert told(found).sources[2:] == trials
    else:
        assert found == Refused(code="no_trial")


@pytest.mark.parametrize(("age", "given_"), [("5.9999", False), ("6", True), ("14.9999", True), ("15", False)])
def test_outside_the_published_ages_nothing_is_projected(*, age: str, given_: bool) -> None:
    found = project(age)
    assert isinstance(found[UNTREATED], Projection) is given_
    assert given_ or set(found.values()) == {Refused(code="age_outside")}


@pytest.mark.parametrize(
    ("age", "length", "code"),
    [(None, "24", "birth_unknown"), ("8", None, "length_unknown"), ("20", "24", "age_outside")],
)
def test_what_is_missing_is_told(age: str | None, length: str | None, code: str) -> None:
    assert set(project(age, length=length).values()) == {Refused(code=code)}


@pytest.mark.parametrize(("myopic", "code"), [(False, "not_myopic"), (None, "refraction_unknown")])
def test_growth_of_myopes_is_told_of_myopes_alone(*, myopic: bool | None, code: str) -> None:
    found = project(myopic=myopic)

    assert found[UNTREATED] == found[TREATED] == Refused(code=code)
    assert isinstance(found[PHYSIOLOGICAL], Projection)


@settings(max_examples=60, deadline=None)
@given(
    age=st.integers(60000, 149999).map(lambda n: Decimal(n) / 10000),
    worn=st.sampled_from([None, *ProductKind]),
    myopic=st.booleans(),
)
def test_a_fan_widens_from_what_measuring_leaves_and_is_never_one_number(
    *, age: Decimal, worn: ProductKind | None, myopic: bool
) -> None:
    for one in project(str(age), worn=worn, myopic=myopic).values():
        if isinstance(one, Refused):
            continue
        assert (one.low[0], one.high[0]) == (Decimal("23.94"), Decimal("24.06"))
        assert one.ages[0] == age
        assert all(earlier < later for earlier, later in pairwise(one.ages))
        widths = [high - low for low, high in zip(one.low, one.high, strict=True)]
        assert all(earlier <= later + Decimal("0.01") for earlier, later in pairwise(widths))
        assert all(earlier <= later for side in (one.low, one.high) for earlier, later in pairwise(side))


def test_a_chart_gets_the_fans_that_are_told() -> None:
    drawn = fans({Eye.OD: project("8"), Eye.OS: project("8", myopic=None)})

    assert [(fan.eye, fan.scenario) for fan in drawn] == [
        (Eye.OD, UNTREATED),
        (Eye.OD, PHYSIOLOGICAL),
        (Eye.OD, TREATED),
        (Eye.OS, PHYSIOLOGICAL),
    ]
    assert drawn[0].source == "Naduvilath 2023 v1 · SV medians 2025 v1"
    assert drawn[0].band.xs[-1] == 15.0
