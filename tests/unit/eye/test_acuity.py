"""One acuity in three notations (GB/T 11533: L = 5 + lg V, logMAR = 5 − L)."""

from decimal import Decimal

import pytest

from hcrm_core.eye.acuity import decimal_acuity, five_mark, from_logmar, logmar, parse_acuity

# 5-mark, what charts print, exact decimal, logMAR: va_conversion_5mark_decimal_logmar.csv
_CHART = [
    ("5.3", "2.0", "1.995", "-0.3"), ("5.2", "1.5", "1.585", "-0.2"), ("5.1", "1.2", "1.259", "-0.1"),
    ("5.0", "1.0", "1.000", "0.0"), ("4.9", "0.8", "0.794", "0.1"), ("4.8", "0.6", "0.631", "0.2"),
    ("4.7", "0.5", "0.501", "0.3"), ("4.6", "0.4", "0.398", "0.4"), ("4.5", "0.3", "0.316", "0.5"),
    ("4.4", "0.25", "0.251", "0.6"), ("4.3", "0.2", "0.200", "0.7"), ("4.2", "0.15", "0.158", "0.8"),
    ("4.1", "0.12", "0.126", "0.9"), ("4.0", "0.1", "0.100", "1.0"),
]  # fmt: skip


@pytest.mark.parametrize(("mark", "printed", "exact", "mar"), _CHART)
def test_every_line_of_the_chart_has_its_three_notations(mark: str, printed: str, exact: str, mar: str) -> None:
    assert decimal_acuity(Decimal(mark)) == Decimal(printed)
    assert five_mark(Decimal(printed)) == Decimal(mark)
    assert logmar(Decimal(mark)) == Decimal(mar)
    assert from_logmar(Decimal(mar)) == Decimal(mark)
    assert abs(Decimal(10) ** (Decimal(mark) - 5) - Decimal(exact)) < Decimal("0.001")


@pytest.mark.parametrize(("written", "mark"), [("0.7", "4.85"), ("0.9", "4.95"), ("0.8", "4.9"), ("4.8", "4.8")])
def test_either_scale_is_recognised_by_its_magnitude(written: str, mark: str) -> None:
    assert parse_acuity(written).value == Decimal(mark)


def test_off_the_chart_an_acuity_is_computed() -> None:
    assert decimal_acuity(Decimal("4.75")) == Decimal("0.562")
