"""How a clinic speaks of facts: units, names without their eye, steps from one number to the next.

The units are those of the catalogue and of parameters; `hcrm_desktop` shows them and has no words of its own for them.
"""

from hcrm_core.facts.catalogue import Fact

DEGREES = "度"  # 1 度 = 0.01 D
TWO_DECIMALS = frozenset({"D", "D/年", "mm", "mm/年"})
WITH_DECIMALS = frozenset({DEGREES, "D", "mm"})  # parameters whose number stands as text
# By how much an arrow key goes, by the unit that is typed; others go by one hundredth. Operational.
STEPS = {"D": "0.25", "D/年": "0.25", "度": "25", "度/年": "25", "mm": "0.05", "mm/年": "0.05", "mmHg": "1"}
STEPS |= {"logMAR": "0.1", "百分位": "5", "百分点": "5", "元": "100", "%": "0.01"}
# Steps of a dragged threshold, as a clinic reads them; others go by whole ones.
FINE = {"mm": "0.05", "D": "0.25", "D/年": "0.05", "mm/年": "0.01", "%": "0.005"}
_EYES = ("右眼", "左眼")
_BEHIND = ("检查日期", "起始日期", "原因")
_PLAIN = str.maketrans("０１２３４５６７８９．－＋−。", "0123456789.-+-.")


def in_degrees(fact: Fact) -> bool:
    """Whether clinics speak of a fact in 度: growth and swings of power, not the power itself."""
    return fact.unit in ("D", "D/年") and "度数" in fact.label


def spoken_unit(fact: Fact) -> str:
    """The unit in which a fact's values are said and typed."""
    return fact.unit.replace("D", DEGREES) if in_degrees(fact) else fact.unit


def without_eye(label: str) -> str:
    """A per-eye fact's name without its eye."""
    for eye in _EYES:
        label = label.removeprefix(eye)
    return label


def stands_behind(fact: Fact) -> bool:
    """Days and reasons behind a measured value: found by typing, and not in everybody's way."""
    return fact.eye is not None and fact.label.endswith(_BEHIND)


def plain_number(text: str) -> str:
    """What was typed, in half-width digits and without a unit of 度."""
    return text.translate(_PLAIN).strip().removesuffix(DEGREES).strip()
