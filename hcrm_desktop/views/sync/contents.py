"""What an entry says, line by line, from the body of its intent."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject

from hcrm_core.wire import Json, OperationKind
from hcrm_desktop.cache.rows import ExamRow, EyeRow
from hcrm_desktop.views.record.values import Values
from hcrm_desktop.views.words import Words

# In the order of reading. Ids are nobody's business.
_SAID = (
    *("outcome", "channel", "until", "next_on", "examined_on", "cycloplegic", "method", "lens_state", "washout_days"),
    *("device", "note", "amend_reason", "reason"),
)
_MEASURED = ("ucva", "bcva", "sphere", "cylinder", "axis", "axial_length_mm", "k1", "k2", "iop_mmhg", "cct_um")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that was entered."""

    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One thing as each side has it."""

    label: str
    texts: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return len(set(self.texts)) > 1


class Contents(QObject):
    """Writes intents and examinations line by line."""

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self._words, self._values = words, Values(words)

    def lines(self, kind: str, body: Json) -> list[Line]:
        """What was entered; nothing is said of what was left empty. What is not shaped as its kind is, as it came."""
        try:
            return self._known(kind, body)
        except (LookupError, TypeError, AttributeError, ArithmeticError):  # held for it, and a person must see it
            return self._raw(body)

    def _raw(self, body: Json) -> list[Line]:
        return [Line(label=self.tr("原文"), text=json.dumps(body, ensure_ascii=False))]

    def _known(self, kind: str, body: Json) -> list[Line]:
        if kind == OperationKind.UNREADABLE:
            return self._raw(body)
        if kind == OperationKind.EDIT_CUSTOMER:
            return [self._edit(edit) for edit in body.get("edits", ())]
        said = [(name, body[name]) for name in _SAID if body.get(name) not in (None, "")]
        lines = [Line(label=self._words.field(name), text=self._words.value(name, value)) for name, value in said]
        if kind == OperationKind.PICK_EXAM and body.get("keep_all"):
            lines.append(Line(label=self.tr("裁定"), text=self.tr("都保留，作为各自的检查")))
        return [*lines, *(line for eye in body.get("eyes", ()) for line in self._eye(eye))]

    def text(self, kind: str, body: Json) -> str:
        """All of it in one cell."""
        one = self.tr("{label}：{text}")
        return self.tr("；").join(one.format(label=line.label, text=line.text) for line in self.lines(kind, body))

    def exams(self, exams: Sequence[ExamRow | None]) -> list[Compared]:
        """Examinations side by side; what none of them has is left out. None is not on this computer."""
        compared = [
            *self._conditions(exams),
            *self._measured(self.tr("右眼"), [exam.od if exam else None for exam in exams]),
        ]
        compared += self._measured(self.tr("左眼"), [exam.os if exam else None for exam in exams])
        silent = {self._values.unknown, self._words.value("", None), ""}
        return [one for one in compared if not set(one.texts) <= silent]

    def _edit(self, edit: Json) -> Line:
        name = f"{edit['row']}.{edit['field']}"
        former, wanted = (self._words.value(name, edit.get(key)) for key in ("base", "value"))
        return Line(
            label=self._words.field(name), text=self.tr("{former} → {wanted}").format(former=former, wanted=wanted)
        )

    def _eye(self, eye: Json) -> Iterator[Line]:
        for name in _MEASURED:
            if eye.get(name) is not None:
                yield Line(label=self._words.field(f"{eye['eye']}.{name}"), text=self._words.value(name, eye[name]))

    def _conditions(self, exams: Sequence[ExamRow | None]) -> Iterator[Compared]:
        words, elsewhere = self._words, self.tr("不在本机")
        for name in (
            "examined_on",
            "cycloplegic",
            "method",
            "lens_state",
            "washout_days",
            "device",
            "note",
            "amend_reason",
        ):
            texts = (elsewhere if exam is None else words.value(name, getattr(exam, name)) for exam in exams)
            yield Compared(label=words.field(name), texts=tuple(texts))

    def _measured(self, side: str, eyes: Sequence[EyeRow | None]) -> Iterator[Compared]:
        for line in self._values.lines():
            label = self.tr("{eye} {name}").format(eye=side, name=line.label)
            yield Compared(label=label, texts=tuple(line.text(eye) for eye in eyes))
