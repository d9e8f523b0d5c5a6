"""A chart with its title, legend, read-out and caption. Pictures come and go; the widget stays."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from hcrm_core.curves.picture import Picture, Point
from hcrm_desktop.charts.chart_words import ChartWords
from hcrm_desktop.charts.legend import Legend
from hcrm_desktop.theme import Theme

if TYPE_CHECKING:
    from hcrm_desktop.charts.canvas import Canvas

Span = tuple[float, float]
KEY_ZOOM, KEY_PAN = 1.25, 0.1  # of what is in sight
LEAST_YEARS = 0.5  # so much time at least stays in sight
MOST = 3.0  # so many times what the picture spans, at most
YEAR_DAYS = 365.25  # where days stand on the axis, not ages


class EyeChart(QWidget):
    """One chart. With the focus, ← and → walk through its points, Shift and arrows move it, + and − zoom, 0 resets.

    Signals:
        window_changed: (from, to) of the time axis, after a person moved or zoomed it.
        pointed: the Point that is read out, or None.
        folded: whether only the title is left.

    Attributes:
        readout: what is said of the point under the pointer.
    """

    window_changed = Signal(object)
    pointed = Signal(object)
    folded = Signal(bool)

    def __init__(self, theme: Theme, words: ChartWords, *, foldable: bool = False) -> None:
        super().__init__()
        self._theme, self._words = theme, words
        self._picture: Picture | None = None
        self._window: Span = (0.0, 1.0)
        self._canvas: Canvas | None = None
        self._at = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(words.title)
        self.readout, self.fold_button = QLabel(), QToolButton(autoRaise=True)
        self._legend = Legend(theme, words)
        self._column, self._head = QVBoxLayout(self), QHBoxLayout()
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._build(foldable=foldable)
        theme.changed.connect(self._on_theme_changed)

    def _build(self, *, foldable: bool) -> None:
        title = QLabel(self._words.title)
        title.setProperty("role", "title")
        self.readout.setProperty("role", "small")
        self.readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.readout.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.fold_button.setCheckable(True)
        self.fold_button.setAccessibleName(self._words.fold)
        self.fold_button.setToolTip(self._words.fold)
        self.fold_button.setArrowType(Qt.ArrowType.DownArrow)
        self.fold_button.toggled.connect(self._on_fold_toggled)
        self._head.setSpacing(8)
        self._head.addWidget(self.fold_button)
        self._head.addWidget(title)
        self._head.addWidget(self.readout, 1)
        self._column.addLayout(self._head)
        self.fold_button.setVisible(foldable)  # not before it has a parent: it would be a window
        self._column.addWidget(self._legend)

    # ── showing ──────────────────────────────────────────────────────────────────────────────────────────

    def prepare(self) -> None:
        """Make the canvas, in a moment in which nobody waits: pyqtgraph takes half a second to import."""
        self._made()

    def show_picture(self, picture: Picture) -> None:
        """Draw another picture."""
        self._picture, self._window, self._at = picture, picture.x_range, -1
        self.readout.clear()
        self._legend.show_picture(picture)
        self.setAccessibleDescription(self._words.description(picture))
        self._made().draw(picture)

    def show_window(self, window: Span) -> None:
        """Show another stretch of time, as another chart of the same child does."""
        if self._picture is not None and window != self._window:
            self._window = window
            self._made().show_window(window)

    def repaint_plot(self) -> None:
        """Paint now what is to be painted."""
        if self._canvas is not None:
            self._canvas.widget.viewport().repaint()

    def read_out(self, point: Point | None) -> None:
        """Say and ring a point, or none."""
        if self._picture is not None:
            self.readout.setText("" if point is None else self._words.point(self._picture, point))
            self._made().mark(point)
            self.pointed.emit(point)

    @property
    def is_folded(self) -> bool:
        return self.fold_button.isChecked()

    @property
    def head_height(self) -> int:
        """Of the title's line alone."""
        return self._head.sizeHint().height()

    def _made(self) -> "Canvas":
        if self._canvas is None:
            from hcrm_desktop.charts.canvas import Canvas

            self._canvas = Canvas(self._theme, self._words)
            plot = self._canvas.widget
            plot.scene().sigMouseMoved.connect(self._on_pointed_at)
            plot.touched.connect(self._on_pointed_at)
            plot.zoomed.connect(self._on_zoomed)
            plot.panned.connect(self._on_panned)
            plot.reset_requested.connect(self.reset)
            self._column.insertWidget(2, plot, 1)
            plot.setHidden(self.is_folded)  # not before it has a parent
        return self._canvas

    @Slot(bool)
    def _on_fold_toggled(self, folded: bool) -> None:  # noqa: FBT001 - Qt's signal
        self.fold_button.setArrowType(Qt.ArrowType.RightArrow if folded else Qt.ArrowType.DownArrow)
        self._legend.setHidden(folded)
        if self._canvas is not None:
            self._canvas.widget.setHidden(folded)
        self.folded.emit(folded)

    @Slot(object)
    def _on_pointed_at(self, place: QPointF) -> None:
        self.read_out(self._made().nearest(place))

    @Slot()
    def _on_theme_changed(self) -> None:
        if self._picture is not None:
            self._made().draw(self._picture.over(self._window))

    # ── moving along the time axis ───────────────────────────────────────────────────────────────────────

    @Slot()
    def reset(self) -> None:
        """Show everything again."""
        if self._picture is not None:
            self._move(self._picture.x_range)

    @Slot(float, QPointF)
    def _on_zoomed(self, factor: float, place: QPointF) -> None:
        self.zoom(factor, around=self._made().time_at(place))

    @Slot(float)
    def _on_panned(self, pixels: float) -> None:
        self.pan(-pixels * self._made().time_of_pixel)

    def zoom(self, factor: float, *, around: float) -> None:
        """Show less time (below 1) or more, with one moment staying where it is."""
        low, high = self._window
        span = min(max((high - low) * factor, self._least()), MOST * self._span())
        part = min(max((around - low) / (high - low), 0.0), 1.0)
        start = low + part * (high - low) - part * span
        self._move((start, start + span))

    def pan(self, time: float) -> None:
        """Show later times, or earlier ones."""
        low, high = self._window
        self._move((low + time, high + time))

    def _move(self, window: Span) -> None:
        if self._picture is None:
            return
        low, high = self._picture.x_range
        margin = self._span()
        wide = window[1] - window[0]
        start = min(max(window[0], low - margin), high + margin - wide)
        self.show_window((start, start + wide))
        self.window_changed.emit(self._window)

    def _span(self) -> float:
        low, high = self._picture.x_range if self._picture else (0.0, 1.0)
        return high - low

    def _least(self) -> float:
        return LEAST_YEARS * (1 if self._picture is None or self._picture.by_age else YEAR_DAYS)

    # ── keys ─────────────────────────────────────────────────────────────────────────────────────────────

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._picture is None or not self._answered(Qt.Key(event.key()), event.modifiers()):
            super().keyPressEvent(event)

    def _answered(self, key: Qt.Key, held: Qt.KeyboardModifier) -> bool:
        low, high = self._window
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(key, 0)
        zoom = {Qt.Key.Key_Plus: 1 / KEY_ZOOM, Qt.Key.Key_Equal: 1 / KEY_ZOOM, Qt.Key.Key_Minus: KEY_ZOOM}.get(key)
        if step and held & Qt.KeyboardModifier.ShiftModifier:
            self.pan(step * KEY_PAN * (high - low))
        elif step:
            return self._walk(step)
        elif zoom is not None:
            self.zoom(zoom, around=(low + high) / 2)
        elif key == Qt.Key.Key_0:
            self.reset()
        else:
            return False
        return True

    def _walk(self, step: int) -> bool:
        points = self._picture.points if self._picture is not None else ()
        if not points:
            return False
        last = len(points) - 1
        self._at = last if self._at < 0 else min(max(self._at + step, 0), last)
        self._show_time(points[self._at].x)
        self.read_out(points[self._at])
        return True

    def _show_time(self, x: float) -> None:
        """Move only if a time is out of sight."""
        low, high = self._window
        if not low <= x <= high:
            self._move((x - (high - low) / 2, x + (high - low) / 2))
