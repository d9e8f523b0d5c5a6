"""What reading a piece of written text yields: a value, remarks, or both."""

import unicodedata
from dataclasses import dataclass
from typing import Generic, TypeVar

from hcrm_core.errors import Problem, Severity

T_co = TypeVar("T_co", covariant=True)

_SIGNS = str.maketrans({"−": "-", "–": "-", "—": "-", "﹣": "-", "。": ".", "º": "°", "✕": "×", "╳": "×"})
# What people write when they have nothing to write. Unknown, never zero.
_UNKNOWN = {
    "",
    "-",
    "--",
    "/",
    "\\",
    "?",
    "未测",
    "未查",
    "未做",
    "不详",
    "未知",
    "无",
    "na",
    "n/a",
    "nan",
    "none",
    "null",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed(Generic[T_co]):
    """A value read from text, and what is to be said about it.

    `value` is None when the text says "unknown" (then without problems) or cannot be kept (then an ERROR says why).
    """

    value: T_co | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether there was something to read that cannot be kept."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)


def refusal(code: str, *, field: str, seen: str, **parameters: str) -> Parsed[T_co]:
    """A result without value: one ERROR that names what was seen."""
    return Parsed(problems=(Problem(code=code, field=field, parameters={"seen": seen, **parameters}),))


def plain(text: str) -> str:
    """Text in one form: half-width, ASCII signs, trimmed. Case is kept."""
    return unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS).strip()


def says_unknown(text: str) -> bool:
    """Whether a text says that the value is not known."""
    return plain(text).lower() in _UNKNOWN
