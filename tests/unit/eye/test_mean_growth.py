"""Mean growth beside which a child's own growth stands."""

from decimal import Decimal

import pytest

from hcrm_store.references import axial_growth_reference


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("10", "11", "0.34"),  # the published rate at 10.5 years, for a year around it
        ("6", "6", "0.00"),
        ("8", "9", "0.45"),  # half-way between 0.58 at 6 and 0.34 at 10.5 is 0.46; 8.5 years is a little later
        ("14", "15", "0.15"),
    ],
)
def test_growth_is_the_published_rate_half_way_through_the_interval(start: str, end: str, expected: str) -> None:
    assert axial_growth_reference().mm_between(Decimal(start), age_to=Decimal(end)) == Decimal(expected)


@pytest.mark.parametrize(("start", "end"), [("5.9999", "7"), ("14", "15.0001"), ("20", "21"), ("9", "8")])
def test_nothing_is_said_outside_the_published_ages(start: str, end: str) -> None:
    assert axial_growth_reference().mm_between(Decimal(start), age_to=Decimal(end)) is None


def test_the_reference_names_its_source() -> None:
    reference = axial_growth_reference()

    assert (reference.name, reference.version) == ("Naduvilath 2023", "1")
    assert "Ophthalmic Physiol Opt 2023" in reference.citation
