"""What an entry says, line by line, from the body of its intent."""

from collections.abc import Iterator
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
class Pair:
    """One thing as both sides have it."""

    label: str
    mine: str
    theirs: str

    @property
    def differs(self) -> bool:
        return self.mine != self.theirs


class Contents(QObject):
    """Writes intents and examinations line by line."""

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self._words, self._values = words, Values(words)

    def lines(self, kind: str, body: Json) -> list[Line]:
        """What was entered; nothing is said of what was left empty."""
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

    def exam_pairs(self, mine: ExamRow | None, theirs: ExamRow | None) -> list[Pair]:
        """Two examinations side by side; what neither has is left out."""
        pairs = [*self._condition_pairs(mine, theirs), *self._eye_pairs(mine, theirs)]
        silent = {self._values.unknown, self.tr("未记录"), ""}
        return [pair for pair in pairs if not {pair.mine, pair.theirs} <= silent]

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

    def _condition_pairs(self, mine: ExamRow | None, theirs: ExamRow | None) -> Iterator[Pair]:
        words = self._words
        for name in ("examined_on", "cycloplegic", "method", "lens_state", "washout_days", "device", "note"):
            one, other = (
                self.tr("不在本机") if exam is None else words.value(name, getattr(exam, name))
                for exam in (mine, theirs)
            )
            yield Pair(label=words.field(name), mine=one, theirs=other)

    def _eye_pairs(self, mine: ExamRow | None, theirs: ExamRow | None) -> Iterator[Pair]:
        od = (mine.od if mine else None, theirs.od if theirs else None)
        os = (mine.os if mine else None, theirs.os if theirs else None)
        for eye, (one, other) in ((self.tr("右眼"), od), (self.tr("左眼"), os)):
            yield from self._measured_pairs(eye, one, other)

    def _measured_pairs(self, eye: str, mine: EyeRow | None, theirs: EyeRow | None) -> Iterator[Pair]:
        for line in self._values.lines():
            label = self.tr("{eye} {name}").format(eye=eye, name=line.label)
            yield Pair(label=label, mine=line.text(mine), theirs=line.text(theirs))
