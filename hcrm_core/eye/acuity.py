"""Acuity in 5-mark notation (GB 11533): L = 5 + lg V. Only L may be averaged or compared, never decimals."""

import re
from decimal import Decimal

from hcrm_core.errors import Problem, Severity
from hcrm_core.parsed import Parsed, plain, refusal, says_unknown

# What charts print, GB/T 11533-2011: rounded decimals; 0.7 and 0.9 stand on international decimal charts.
_CHART = {
    "0.1": "4.0", "0.12": "4.1", "0.15": "4.2", "0.2": "4.3", "0.25": "4.4", "0.3": "4.5", "0.4": "4.6", "0.5": "4.7",
    "0.6": "4.8", "0.7": "4.85", "0.8": "4.9", "0.9": "4.95", "1.0": "5.0", "1.2": "5.1", "1.5": "5.2", "2.0": "5.3",
}  # fmt: skip
_FIVE_MARKS = {Decimal(decimal): Decimal(mark) for decimal, mark in _CHART.items()}
# GB/T 11533 codes below the chart: 3 counts fingers, 2 sees a moving hand, 1 perceives light, 0 does not.
_LOW_VISION = {
    "指数": 3, "数指": 3, "cf": 3, "fc": 3, "手动": 2, "眼前手动": 2, "hm": 2, "光感": 1, "lp": 1,
    "无光感": 0, "nlp": 0,
}  # fmt: skip
LOW_VISION_CODES = frozenset({Decimal(0), Decimal(1), Decimal(2), Decimal(3)})
_HUNDREDTH = Decimal("0.01")


def five_mark(decimal: Decimal) -> Decimal:
    """5-mark acuity of a decimal one: the chart's line, or 5 + lg V to 0.01 where no chart has that line.

    Raises:
        ValueError: if the decimal acuity is not above zero.
    """
    if decimal <= 0:
        raise ValueError("a decimal acuity is above zero")
    line = _FIVE_MARKS.get(decimal)
    return line if line is not None else (5 + decimal.log10()).quantize(_HUNDREDTH)


def decimal_acuity(mark: Decimal) -> Decimal:
    """Decimal acuity of a 5-mark one, V = 10^(L − 5): the chart's rounded line, or to 0.001 where no chart has it."""
    line = next((decimal for decimal, known in _FIVE_MARKS.items() if known == mark), None)
    return line if line is not None else (Decimal(10) ** (mark - 5)).quantize(Decimal("0.001"))


def logmar(mark: Decimal) -> Decimal:
    """logMAR of a 5-mark acuity: 5 − L."""
    return 5 - mark


def from_logmar(value: Decimal) -> Decimal:
    """5-mark acuity of a logMAR one. logMAR has its own field: its numbers look like decimals and mean the opposite."""
    return 5 - value


def parse_acuity(text: str, *, field: str = "acuity") -> Parsed[Decimal]:
    """An acuity in either notation as a 5-mark value.

    The magnitude decides: 3.0 and above is 5-mark, 2.0 and below is decimal (0.8 is 4.9, and 4.8 is 0.6), between
    them is nothing. Counting fingers, hand movement and light perception become the codes 3 to 0.
    """
    if says_unknown(text):
        return Parsed()
    written = plain(text).lower()
    word = re.sub(r"(/?\d+cm)$|\s", "", written)
    if word in _LOW_VISION:
        return Parsed(value=Decimal(_LOW_VISION[word]))
    if not re.fullmatch(r"\d(\.\d{1,2})?|\.\d{1,2}", written):
        return refusal("acuity_unreadable", field=field, seen=text)
    value = Decimal(written)
    if Decimal("0.01") <= value <= 2:
        return Parsed(value=five_mark(value))
    if 3 <= value <= Decimal("5.3"):
        return Parsed(value=value, problems=_off_line(value, field=field))
    return refusal("acuity_outside", field=field, seen=text)


def format_acuity(mark: Decimal) -> str:
    """`4.9`, or `4.85` for a half line."""
    tenth = mark.quantize(Decimal("0.1"))
    return str(tenth if tenth == mark else mark.quantize(_HUNDREDTH))


def _off_line(value: Decimal, *, field: str) -> tuple[Problem, ...]:
    if value % Decimal("0.05") == 0:
        return ()
    return (Problem(code="acuity_off_line", field=field, severity=Severity.HINT, parameters={"seen": str(value)}),)
