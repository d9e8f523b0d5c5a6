"""The look: design tokens, a palette and one style sheet over Fusion.

Widgets never set a style sheet of their own. They set an object name or a dynamic property (`role`, `kind`, `tone`,
`state`) that resources/themes/app.qss knows, and custom painting asks `Theme.tokens`.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from string import Template

import shiboken6
from PySide6.QtCore import QObject, Qt, QTemporaryDir, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QWidget

from hcrm_store.resources import resource

# Windows and macOS bring a Chinese face of their own; Linux needs fonts-noto-cjk.
FAMILIES = ("Microsoft YaHei UI", "PingFang SC", "Noto Sans SC", "Noto Sans CJK SC", "WenQuanYi Micro Hei")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Colours and measures of one theme. Status is always a colour and a word; danger is reserved for "act"."""

    name: str
    bg: str
    surface: str
    surface2: str
    border: str
    text: str
    text2: str
    primary: str
    primary_strong: str
    primary_text: str
    primary_soft: str
    ok: str
    warn: str
    danger: str
    info: str
    ok_soft: str
    warn_soft: str
    danger_soft: str
    info_soft: str
    od: str  # right eye
    os: str  # left eye
    grid: str
    band: tuple[str, str, str]  # percentile bands, outer to inner
    radius: int = 6
    control: int = 32  # height of buttons and fields in px
    chip: int = 26
    row: int = 44  # height of a list line
    size_small: int = 12
    size_text: int = 14
    size_title: int = 20
    size_display: int = 26


LIGHT = Tokens(
    name="light",
    bg="#F3F6F7",
    surface="#FFFFFF",
    surface2="#EDF2F3",
    border="#D3DDE0",
    text="#14252B",
    text2="#566A72",
    primary="#0B7480",
    primary_strong="#085F69",
    primary_text="#FFFFFF",
    primary_soft="#DCEFF0",
    ok="#23734A",
    warn="#9A5B00",
    danger="#B3261E",
    info="#2560AE",
    ok_soft="#DFF1E7",
    warn_soft="#FBECD3",
    danger_soft="#FBE1DE",
    info_soft="#E0EBFA",
    od="#B4432B",
    os="#2560AE",
    grid="#DDE5E7",
    band=("#E4F1F2", "#CFE6E8", "#B5D8DB"),
)
DARK = Tokens(
    name="dark",
    bg="#11181B",
    surface="#1A2327",
    surface2="#222D32",
    border="#35444A",
    text="#E7EFF1",
    text2="#9FB2B9",
    primary="#56BAC2",
    primary_strong="#7BCDD3",
    primary_text="#06262A",
    primary_soft="#1D3C40",
    ok="#72C793",
    warn="#E5AA4C",
    danger="#F58C83",
    info="#86B5F3",
    ok_soft="#1B3527",
    warn_soft="#3A2C12",
    danger_soft="#42211E",
    info_soft="#1C2F49",
    od="#F0937D",
    os="#86B5F3",
    grid="#2A373D",
    band=("#1B2E32", "#213E44", "#295057"),
)


class Theme(QObject):
    """Holds the chosen scheme and dresses the application.

    Signals:
        changed: the tokens are other ones now; custom painting starts anew.
    """

    changed = Signal()

    def __init__(self, application: QApplication, scheme: str = "light", *, touch: bool = False) -> None:
        super().__init__(application)
        self._application = application
        self._dressed: list[QWidget] = []
        self._icons = QTemporaryDir()  # removed with this object
        self._touch = touch
        self.scheme = scheme
        self.tokens = LIGHT
        self._adopt(application)
        self.choose(scheme)

    def _adopt(self, application: QApplication) -> None:
        application.setStyle("Fusion")
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._on_system_scheme_changed)

    def dress(self, window: QWidget) -> None:
        """Give a window, and all that is in it or opened from it, the style sheet.

        Not the whole application: Qt styles a widget anew each time it gets a parent, so building a page under a
        sheet of the application took three times as long as attaching it to a dressed window once.
        """
        self._dressed.append(window)
        window.setStyleSheet(self._sheet())

    def choose(self, scheme: str) -> None:
        """Dress the application.

        Args:
            scheme: "light", "dark" or "system".
        """
        self.scheme = scheme
        dark = scheme == "dark" or (
            scheme == "system" and QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
        )
        tokens = DARK if dark else LIGHT
        self.tokens = for_fingers(tokens) if self._touch else tokens
        self._application.setFont(_font(self.tokens))
        self._application.setPalette(palette(self.tokens))  # what QSS does not reach follows it
        self.dress_again()

    def dress_again(self) -> None:
        """Give the tokens to all that is dressed."""
        self._dressed = [window for window in self._dressed if shiboken6.isValid(window)]
        for window in self._dressed:
            window.setStyleSheet(self._sheet())
        self.changed.emit()

    def toggle(self) -> None:
        self.choose("light" if self.tokens.name == "dark" else "dark")

    def icon(self, name: str, *, colour: str | None = None, size: int = 20) -> QIcon:
        """An icon of resources/icons, drawn in a token's colour (the text's if none is given)."""
        return QIcon(self._drawn(name, colour or self.tokens.text2, size))

    def pixmap(self, name: str, *, colour: str | None = None, size: int = 20) -> QPixmap:
        return self._drawn(name, colour or self.tokens.text2, size)

    def _drawn(self, name: str, colour: str, size: int) -> QPixmap:
        svg = resource("icons", f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", colour)
        ratio = self._application.devicePixelRatio()
        pixmap = QPixmap(round(size * ratio), round(size * ratio))
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        QSvgRenderer(svg.encode()).render(painter)
        painter.end()
        pixmap.setDevicePixelRatio(ratio)
        return pixmap

    def _sheet(self) -> str:
        values = dataclasses.asdict(self.tokens)
        values["chip_radius"] = self.tokens.chip // 2
        for name, colour in (("chevron", self.tokens.text2), ("check", self.tokens.primary_text)):
            values[name] = self._icon_file(name, colour)
        return Template(resource("themes", "app.qss").read_text(encoding="utf-8")).substitute(values)

    def _icon_file(self, name: str, colour: str) -> str:
        """QSS takes no data address for an image, so a tinted icon is written once for each theme."""
        path = Path(self._icons.filePath(f"{name}-{self.tokens.name}.svg"))
        if not path.exists():
            svg = resource("icons", f"{name}.svg").read_text(encoding="utf-8")
            path.write_text(svg.replace("currentColor", colour), encoding="utf-8")
        return path.as_posix()

    def _on_system_scheme_changed(self) -> None:
        if self.scheme == "system":
            self.choose("system")


def for_fingers(tokens: Tokens) -> Tokens:
    """The touch variant: larger targets and text, the same colours."""
    return dataclasses.replace(tokens, control=44, chip=36, row=56, size_text=16, size_small=14)


def _font(tokens: Tokens) -> QFont:
    font = QFont()
    font.setFamilies(list(FAMILIES))
    font.setPixelSize(tokens.size_text)
    return font


def palette(tokens: Tokens) -> QPalette:
    """The palette below the style sheet."""
    role = QPalette.ColorRole
    made = QPalette()
    for which, colour in (
        (role.Window, tokens.bg),
        (role.WindowText, tokens.text),
        (role.Base, tokens.surface),
        (role.AlternateBase, tokens.surface2),
        (role.Text, tokens.text),
        (role.Button, tokens.surface),
        (role.ButtonText, tokens.text),
        (role.Highlight, tokens.primary),
        (role.HighlightedText, tokens.primary_text),
        (role.ToolTipBase, tokens.text),
        (role.ToolTipText, tokens.surface),
        (role.PlaceholderText, tokens.text2),
        (role.Link, tokens.primary),
        (role.Mid, tokens.border),
    ):
        made.setColor(which, QColor(colour))
    for which in (role.Text, role.ButtonText, role.WindowText):
        made.setColor(QPalette.ColorGroup.Disabled, which, QColor(tokens.text2))
    return made


def set_property(widget: QWidget, name: str, value: object) -> None:
    """Set a dynamic property that the style sheet looks at, and let the style look again."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
