"""The grid of a slip: one line a value, 右 | 左 | 上次右 | 上次左 | 变化, and what is to be said about it beside it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QWidget

from hcrm_core.errors import Problem, Severity
from hcrm_core.eye.keying import PARSERS, is_complete, read_keyed_refraction, written_out
from hcrm_core.eye.notation import format_diopters
from hcrm_core.eye.refraction import Refraction
from hcrm_core.record import ExamRecord
from hcrm_core.terms import Eye
from hcrm_desktop.cache.rows import EyeRow
from hcrm_desktop.theme import set_property
from hcrm_desktop.views.exam_entry.reading import (
    Place,
    SlipReading,
    changed_places,
    last_value,
    minus_cylinder,
    plain_number,
    read_field,
)
from hcrm_desktop.views.exam_entry.remarks import Remarks
from hcrm_desktop.views.record.values import Line, Values
from hcrm_desktop.views.words import Words

FIELD_WIDTH, BEFORE_WIDTH, CHANGE_WIDTH = 84, 52, 108
# The change of these may be told whatever was worn; of the others only between comparable examinations.
_COMPARABLE = frozenset({"axial_length_mm"})
_CHANGES = ("sphere", "axial_length_mm", "iop_mmhg")


class SlipGrid(QWidget):
    """Fields of both eyes.

    Signals:
        edited: a text was changed.
    """

    edited = Signal()

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words, self._remarks = words, Remarks(words)
        self._lines = [line for line in Values(words).lines() if line.name in PARSERS]
        self._fields: dict[Place, QLineEdit] = {}
        self._changes: dict[str, QLabel] = {}
        self._notes: dict[str, QLabel] = {}
        self._before: dict[Place, QLabel] = {}
        self._previous: ExamRecord | None = None
        self._recorded: ExamRecord | None = None  # the examination that is corrected
        self._build()

    def fields(self) -> list[QLineEdit]:
        """Down the right eye, then down the left."""
        return [self._fields[eye, line.name] for eye in Eye for line in self._lines]

    def field(self, name: str) -> QLineEdit | None:
        """By a problem's field, e.g. "OD.sphere"; a plain name is the right eye's."""
        eye, _, value = name.rpartition(".")
        return self._fields.get((Eye(eye) if eye else Eye.OD, value))

    def before(self, field: QLineEdit) -> QLineEdit | None:
        """The field above, or the last one of the right eye."""
        fields = self.fields()
        place = fields.index(field)
        return fields[place - 1] if place else None

    def place_of(self, field: QLineEdit) -> Place:
        """Which value of which eye a field holds."""
        return next(place for place, one in self._fields.items() if one is field)

    def reads(self, field: QLineEdit) -> bool:
        """Whether a value stands in a field."""
        read = read_field(self.place_of(field), field.text(), previous=self._previous)
        return read.value is not None and not read.refused

    def is_complete(self, field: QLineEdit) -> bool:
        """Whether no key may follow what stands in a field."""
        place = self.place_of(field)
        return is_complete(field.text(), name=place[1], last=last_value(self._previous, place))

    def take_line(self, field: QLineEdit) -> QLineEdit | None:
        """Spread a whole refraction that stands in a field of spheres over its line; the field of its axis."""
        eye, name = place = self.place_of(field)
        if name != "sphere":
            return None
        lens = read_keyed_refraction(field.text(), last=last_value(self._previous, place)).value
        if lens is None or lens.cylinder is None or lens.axis is None:
            return None
        self._write_lens(eye, lens)
        return self._fields[eye, "axis"]

    def texts(self) -> dict[Place, str]:
        return {place: field.text() for place, field in self._fields.items()}

    def set_texts(self, texts: Mapping[Place, str]) -> None:
        """As of a draft; fields that are not named become empty."""
        for place, field in self._fields.items():
            field.setText(texts.get(place, ""))

    def exchange(self) -> None:
        """What stands for the right eye becomes the left eye's, and the other way round."""
        texts = self.texts()
        other = {Eye.OD: Eye.OS, Eye.OS: Eye.OD}
        self.set_texts({(other[eye], name): text for (eye, name), text in texts.items()})

    def show_previous(self, exam: ExamRecord | None) -> None:
        """What was measured last time."""
        self._previous = exam
        for line in self._lines:
            for eye in Eye:
                self._before[eye, line.name].setText(line.text(_of(exam, eye)))

    def compare_with(self, recorded: ExamRecord) -> None:
        """Mark what differs from an examination that is corrected."""
        self._recorded = recorded

    def told(self, problem: Problem) -> str:
        """A problem with the eye and the value that it concerns."""
        eye, _, name = problem.field.rpartition(".")
        label = next((line.label for line in self._lines if line.name == name), "")
        whose = self._words.eye(Eye(eye)) if eye else self.tr("双眼")
        return self.tr("{eye} {label}：{sentence}").format(
            eye=whose, label=label, sentence=self._remarks.sentence(problem)
        )

    def show_reading(self, reading: SlipReading, *, comparable: bool) -> None:
        """Say beside every line what was understood, what changed and what is wrong."""
        changed = changed_places(reading.eyes, recorded=self._recorded) if self._recorded else ()
        for place, field in self._fields.items():
            set_property(field, "changed", place in changed)
        for line in self._lines:
            problems = [p for p in reading.problems if p.field.rpartition(".")[2] == line.name]
            self._mark(line.name, problems)
            self._notes[line.name].setText(self._note(line, reading, problems, changed))
            set_property(self._notes[line.name], "role", _role(problems))
            told = comparable or line.name in _COMPARABLE
            self._changes[line.name].setText(self._change(line.name, reading) if told else "")

    # ── building ─────────────────────────────────────────────────────────────────────────────────────────

    def _build(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        heads = (self.tr("右眼"), self.tr("左眼"), self.tr("上次右"), self.tr("上次左"), self.tr("变化"))
        for column, text in enumerate(heads, 1):
            label = QLabel(text)
            label.setProperty("role", "title" if column < 3 else "small")
            side = Qt.AlignmentFlag.AlignLeft if column in (1, 2, 5) else Qt.AlignmentFlag.AlignRight
            grid.addWidget(label, 0, column, side)
        for row, line in enumerate(self._lines, 1):
            self._build_line(grid, row, line)
        grid.setColumnStretch(6, 1)
        grid.setRowStretch(len(self._lines) + 1, 1)  # lines stay together at the top

    def _build_line(self, grid: QGridLayout, row: int, line: Line) -> None:
        unit = self.tr("（{unit}）").format(unit=line.unit) if line.unit else ""
        grid.addWidget(QLabel(line.label + unit), row, 0)
        for column, eye in enumerate(Eye, 1):
            grid.addWidget(self._made_field(line, eye), row, column)
            before = self._label("muted", Qt.AlignmentFlag.AlignRight, BEFORE_WIDTH)
            self._before[eye, line.name] = before
            grid.addWidget(before, row, column + 2)
        self._changes[line.name] = self._label("muted", Qt.AlignmentFlag.AlignLeft, CHANGE_WIDTH)
        self._notes[line.name] = self._label("small", Qt.AlignmentFlag.AlignLeft, 0)
        self._notes[line.name].setWordWrap(True)
        grid.addWidget(self._changes[line.name], row, 5)
        grid.addWidget(self._notes[line.name], row, 6)

    def _made_field(self, line: Line, eye: Eye) -> QLineEdit:
        field = QLineEdit(maxLength=60)  # room for a pasted line
        field.setFixedWidth(FIELD_WIDTH)
        field.setAlignment(Qt.AlignmentFlag.AlignRight)
        field.setAccessibleName(self.tr("{eye} {label}").format(eye=self._words.eye(eye), label=line.label))
        field.textChanged.connect(self._on_text_changed)
        field.installEventFilter(self)
        self._fields[eye, line.name] = field
        return field

    def _label(self, role: str, side: Qt.AlignmentFlag, width: int) -> QLabel:
        label = QLabel(alignment=side | Qt.AlignmentFlag.AlignVCenter)
        label.setProperty("role", role)
        label.setMinimumWidth(width)
        return label

    # ── saying ───────────────────────────────────────────────────────────────────────────────────────────

    def _mark(self, name: str, problems: Sequence[Problem]) -> None:
        for eye in Eye:
            mine = [p.severity for p in problems if p.field in (name, f"{eye.value}.{name}")]
            state = "error" if Severity.ERROR in mine else "warn" if Severity.WARNING in mine else ""
            set_property(self._fields[eye, name], "state", state)

    def _note(self, line: Line, reading: SlipReading, problems: Sequence[Problem], changed: Sequence[Place]) -> str:
        parts = [self._understood(line, eye, reading) for eye in Eye]
        parts += [self._former(line, eye) for eye in Eye if (eye, line.name) in changed]
        parts += [self._sided(problem) for problem in problems]
        return self.tr("；").join(dict.fromkeys(part for part in parts if part))

    def _understood(self, line: Line, eye: Eye, reading: SlipReading) -> str:
        """How a text was read, if it does not look like what was typed: "右 = −3.00 D"."""
        typed, row = self._fields[eye, line.name].text().strip(), reading.eyes.get(eye)
        if not typed or row is None or getattr(row, line.name) is None:
            return ""
        shown = line.text(row)
        if _same(typed, getattr(row, line.name)):
            return ""
        return self.tr("{side} = {value} {unit}").format(side=self._side(eye), value=shown, unit=line.unit).strip()

    def _former(self, line: Line, eye: Eye) -> str:
        """What the examination that is corrected says."""
        return self.tr("{side} 原 {value}").format(side=self._side(eye), value=line.text(_of(self._recorded, eye)))

    def _sided(self, problem: Problem) -> str:
        eye = problem.field.rpartition(".")[0]
        sentence = self._remarks.sentence(problem)
        if not eye:
            return sentence
        return self.tr("{side}：{sentence}").format(side=self._side(Eye(eye)), sentence=sentence)

    def _side(self, eye: Eye) -> str:
        return self.tr("右") if eye is Eye.OD else self.tr("左")

    def _change(self, name: str, reading: SlipReading) -> str:
        if name not in _CHANGES:
            return ""
        told = []
        for eye in Eye:
            new, old = reading.eyes.get(eye), _of(self._previous, eye)
            if new and old and getattr(new, name) is not None and getattr(old, name) is not None:
                change = self._words.diopters(getattr(new, name) - getattr(old, name))
                told.append(self.tr("{side} {change}").format(side=self._side(eye), change=change))
        return "  ".join(told)

    @Slot()
    def _on_text_changed(self) -> None:
        self.edited.emit()

    def _transpose(self, eye: Eye) -> None:
        """A plus cylinder is written as the same lens with a minus cylinder."""
        lens = minus_cylinder(self.texts(), eye, previous=self._previous)
        if lens is not None:
            self._write_lens(eye, lens)

    def _write_lens(self, eye: Eye, lens: Refraction) -> None:
        for name, value in (("sphere", lens.sphere), ("cylinder", lens.cylinder)):
            self._fields[eye, name].setText("" if value is None else format_diopters(value))
        self._fields[eye, "axis"].setText("" if lens.axis is None else str(lens.axis))

    def _write_out(self, field: QLineEdit) -> None:
        """What was keyed as digits alone is shown as it was understood."""
        place, text = self.place_of(field), field.text()
        written = written_out(text, name=place[1], last=last_value(self._previous, place))
        if written != text:
            field.setText(written)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.FocusOut and isinstance(watched, QLineEdit):
            self.take_line(watched)
            self._write_out(watched)
            eye, name = self.place_of(watched)
            if name in ("cylinder", "axis"):
                self._transpose(eye)
        return super().eventFilter(watched, event)


def _of(exam: ExamRecord | None, eye: Eye) -> EyeRow | None:
    if exam is None:
        return None
    return exam.od if eye is Eye.OD else exam.os


def _role(problems: Sequence[Problem]) -> str:
    severities = {problem.severity for problem in problems}
    if Severity.ERROR in severities:
        return "danger"
    return "warn" if Severity.WARNING in severities else "small"


def _same(typed: str, value: Decimal | int) -> bool:
    """Whether a plain number was typed and kept as it is."""
    return plain_number(typed) == value
