"""How a line of the tree looks: a card with the question, what counts where nothing is known, findings and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen

from hcrm_core.rules.linting import Finding, Level
from hcrm_core.rules.messages import NodeCount
from hcrm_core.rules.model import NO_OPERAND, AllOf, AnyOf, Condition, Node, NotOf
from hcrm_desktop.models.rule_tree import TreeLine
from hcrm_desktop.theme import Theme
from hcrm_desktop.views.rules.finding_words import FindingWords
from hcrm_desktop.views.rules.wording import RuleWords, is_group
from hcrm_desktop.views.widgets.chips import HEIGHT as PILL_HEIGHT
from hcrm_desktop.views.widgets.chips import PADDING as PILL_PADDING
from hcrm_desktop.views.widgets.chips import paint_pill, tone_colours

GAP, PAD_X, PAD_Y, MARGIN = 8, 12, 7, 2
COUNT_WIDTH = 88
LEFT_RISE = 8  # half a line: two numbers share the height of one pill
WRAPPED = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
LEVEL_TONES = {Level.ERROR: "act", Level.WARNING: "warn", Level.HINT: "info"}


def group_tone(node: Node) -> str:
    """The colour of a group's bracket and word."""
    if isinstance(node, AllOf):
        return "info"
    return "good" if isinstance(node, AnyOf) else "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What is said beside a line, apart from itself.

    Attributes:
        count: customers, None while not counted.
        counted: whether lines have numbers at all, so that there is room for them.
        stale: the numbers are of an earlier state of the rule.
        muted: the line or a group around it is left out.
    """

    findings: Sequence[Finding] = ()
    count: NodeCount | None = None
    counted: bool = False
    stale: bool = False
    muted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A place to press within a card: "add" to a group, or "fix" a finding."""

    place: QRect
    text: str
    finding: Finding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A finding's place within a card."""

    finding: Finding
    text: str
    pill: QRect
    place: QRect


@dataclass(slots=True, kw_only=True)
class Card:
    """One line laid out at a width, from (0, 0)."""

    height: int
    head: QRect
    pills: list[tuple[QRect, str, str]] = field(default_factory=list)
    aside: QRect = field(default_factory=QRect)
    aside_text: str = ""
    said: list[Said] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)


class Cards(QObject):
    """Lays lines out and paints them."""

    def __init__(self, theme: Theme, words: RuleWords, findings: FindingWords) -> None:
        super().__init__()
        self._theme, self._words, self._findings = theme, words, findings

    # ── laying out ───────────────────────────────────────────────────────────────────────────────────────

    def card(self, line: TreeLine, beside: Beside, *, width: int, font: QFont) -> Card:
        """Where everything of a line goes."""
        room = width - 2 * PAD_X - (COUNT_WIDTH if beside.counted else 0)
        card = self._group(line, room, font) if is_group(line.node) else self._leaf(line, room, font)
        for finding in beside.findings:
            self._add_finding(card, finding, width - 2 * PAD_X, font)
        card.height += PAD_Y + 2 * MARGIN
        return card

    def _group(self, line: TreeLine, room: int, font: QFont) -> Card:
        small = QFontMetrics(self._small(font))
        card = Card(height=PAD_Y + PILL_HEIGHT, head=QRect())
        kind = (self._words.group(line.node), group_tone(line.node))
        x = self._add_pill(card, PAD_X, PAD_Y, pill=kind, font=self._small(font))
        if line.node.muted:
            x = self._add_pill(card, x, PAD_Y, pill=(self.tr("停用"), "neutral"), font=self._small(font))
        right = PAD_X + room
        if not isinstance(line.node, NotOf):
            add = self.tr("＋ 条件")
            width = small.horizontalAdvance(add) + 2 * PILL_PADDING
            card.buttons.append(Button(place=QRect(right - width, PAD_Y, width, PILL_HEIGHT), text=add))
            right -= width + GAP
        card.aside, card.aside_text = QRect(x, PAD_Y, max(0, right - x), PILL_HEIGHT), self._explained(line)
        return card

    def _explained(self, line: TreeLine) -> str:
        parts = len(line.below)
        if isinstance(line.node, AllOf):
            return self.tr("下面 {n} 条都要满足").format(n=parts)
        if isinstance(line.node, AnyOf):
            return self.tr("下面 {n} 条满足一条即可").format(n=parts)
        return self.tr("下面这条不能满足")

    def _leaf(self, line: TreeLine, room: int, font: QFont) -> Card:
        text, small = self.head(line.node), self._small(font)
        pills = self._asides(line.node)
        wanted = sum(QFontMetrics(small).horizontalAdvance(pill[0]) + 2 * PILL_PADDING + GAP for pill in pills)
        inline = QFontMetrics(font).horizontalAdvance(text) + wanted <= room
        width = max(60, room - wanted if inline else room)
        head = QFontMetrics(font).boundingRect(QRect(PAD_X, PAD_Y + 1, width, 10_000), WRAPPED, text)
        head.setWidth(width)
        card = Card(height=max(head.bottom() + 1, PAD_Y + PILL_HEIGHT), head=head)
        x, y = (PAD_X + room - wanted + GAP, PAD_Y) if inline else (PAD_X, card.height + 3)
        for pill in pills:
            x = self._add_pill(card, x, y, pill=pill, font=small)
        if pills:
            card.height = max(card.height, y + PILL_HEIGHT)
        self._add_citation(card, line.node, room, after=None if inline or not pills else x)
        return card

    def _add_citation(self, card: Card, node: Node, room: int, *, after: int | None) -> None:
        """On a line of its own, or behind the pills where they have one."""
        if not isinstance(node, Condition) or not node.citation:
            return
        x, y = (PAD_X, card.height) if after is None else (after, card.height - PILL_HEIGHT)
        card.aside = QRect(x, y, max(0, PAD_X + room - x), PILL_HEIGHT)
        card.aside_text = self.tr("依据：{citation}").format(citation=node.citation)
        card.height = y + PILL_HEIGHT

    def head(self, node: Node) -> str:
        """What a line without parts asks."""
        return self._words.question(node) if isinstance(node, Condition) else self._words.node(node)

    def _asides(self, node: Node) -> list[tuple[str, str]]:
        found = [(self.tr("停用"), "neutral")] if node.muted else []
        if isinstance(node, Condition) and node.fact and node.op not in NO_OPERAND:
            unknown = self._words.unknown(node.unknown)
            found.append((self.tr("没有数据时：{unknown}").format(unknown=unknown), "neutral"))
        return found

    def _add_pill(self, card: Card, x: int, y: int, *, pill: tuple[str, str], font: QFont) -> int:
        width = QFontMetrics(font).horizontalAdvance(pill[0]) + 2 * PILL_PADDING
        card.pills.append((QRect(x, y, width, PILL_HEIGHT), *pill))
        return x + width + GAP

    def _add_finding(self, card: Card, finding: Finding, room: int, font: QFont) -> None:
        small = QFontMetrics(self._small(font))
        y, level = card.height + 5, self._findings.level(finding.level)
        pill = QRect(PAD_X, y, small.horizontalAdvance(level) + 2 * PILL_PADDING, PILL_HEIGHT)
        fix = self.tr("修正")
        fix_width = small.horizontalAdvance(fix) + 2 * PILL_PADDING if finding.fix is not None else 0
        left, width = pill.right() + GAP, room - pill.width() - GAP - (fix_width + GAP if fix_width else 0)
        text = self._findings.sentence(finding)
        place = small.boundingRect(QRect(left, y + 3, max(60, width), 10_000), WRAPPED, text)
        card.said.append(Said(finding=finding, text=text, pill=pill, place=place))
        if fix_width:
            button = QRect(PAD_X + room - fix_width, y, fix_width, PILL_HEIGHT)
            card.buttons.append(Button(place=button, text=fix, finding=finding))
        card.height = max(pill.bottom(), place.bottom()) + 1

    def _small(self, font: QFont) -> QFont:
        small = QFont(font)
        small.setPixelSize(self._theme.tokens.size_small)
        return small

    # ── painting ─────────────────────────────────────────────────────────────────────────────────────────

    def paint(self, painter: QPainter, rect: QRect, line: TreeLine, beside: Beside, *, chosen: bool) -> None:
        """A line's card within a rectangle."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = QFont(painter.font())
        card = self.card(line, beside, width=rect.width(), font=font)
        self.paint_ground(painter, rect, chosen=chosen, muted=beside.muted)
        painter.translate(rect.topLeft() + QPoint(0, MARGIN))
        self._paint_head(painter, card, line, beside)
        painter.setFont(self._small(font))
        for place, text, tone in card.pills:
            shown = "neutral" if beside.muted else tone
            paint_pill(painter, place, text, colours=tone_colours(self._theme.tokens, shown))
        self._paint_aside(painter, card)
        for said in card.said:
            self._paint_said(painter, said)
        for button in card.buttons:
            self._paint_button(painter, button)
        painter.restore()
        if beside.counted:
            self._paint_count(painter, rect, line, beside)

    def paint_ground(self, painter: QPainter, rect: QRect, *, chosen: bool, muted: bool) -> None:
        """An empty card."""
        tokens = self._theme.tokens
        ground = tokens.primary_soft if chosen else tokens.surface2 if muted else tokens.surface
        painter.setPen(QPen(QColor(tokens.primary if chosen else tokens.border), 1))
        painter.setBrush(QColor(ground))
        inside = QRectF(rect).adjusted(0.5, MARGIN + 0.5, -0.5, -MARGIN - 0.5)
        painter.drawRoundedRect(inside, tokens.radius, tokens.radius)

    def _paint_head(self, painter: QPainter, card: Card, line: TreeLine, beside: Beside) -> None:
        if not card.head.isEmpty():
            painter.setPen(QColor(self._theme.tokens.text2 if beside.muted else self._theme.tokens.text))
            painter.drawText(card.head, WRAPPED, self.head(line.node))

    def _paint_aside(self, painter: QPainter, card: Card) -> None:
        text = painter.fontMetrics().elidedText(card.aside_text, Qt.TextElideMode.ElideRight, card.aside.width())
        painter.setPen(QColor(self._theme.tokens.text2))
        painter.drawText(card.aside, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)

    def _paint_said(self, painter: QPainter, said: Said) -> None:
        tone = tone_colours(self._theme.tokens, LEVEL_TONES[said.finding.level])
        paint_pill(painter, said.pill, self._findings.level(said.finding.level), colours=tone)
        painter.setPen(QColor(self._theme.tokens.text))
        painter.drawText(said.place, WRAPPED, said.text)

    def _paint_button(self, painter: QPainter, button: Button) -> None:
        tokens = self._theme.tokens
        painter.setPen(QPen(QColor(tokens.primary), 1))
        painter.setBrush(QColor(tokens.surface))
        painter.drawRoundedRect(QRectF(button.place).adjusted(0.5, 0.5, -0.5, -0.5), tokens.radius, tokens.radius)
        painter.setPen(QColor(tokens.primary))
        painter.drawText(button.place, Qt.AlignmentFlag.AlignCenter, button.text)

    def _paint_count(self, painter: QPainter, rect: QRect, line: TreeLine, beside: Beside) -> None:
        if beside.count is None or beside.muted:
            return
        tokens = self._theme.tokens
        place = QRect(rect.right() - COUNT_WIDTH - PAD_X, rect.top() + MARGIN + PAD_Y, COUNT_WIDTH, PILL_HEIGHT)
        painter.save()
        font = QFont(painter.font())
        font.setBold(not beside.stale)
        painter.setFont(font)
        painter.setPen(QColor(tokens.text2 if beside.stale else tokens.text))
        side = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        falls_out = beside.count.left != beside.count.matching
        painter.drawText(place.translated(0, -LEFT_RISE if falls_out else 0), side, f"{beside.count.matching:,}")
        if falls_out:
            painter.setFont(self._small(font))
            painter.setPen(QColor(tokens.text2))
            left = self.tr("剩 {n}").format(n=f"{beside.count.left:,}")
            painter.drawText(place.translated(0, LEFT_RISE), side, left)
        painter.restore()

    def hint(self, line: TreeLine, beside: Beside, *, width: int, font: QFont) -> QSize:
        return QSize(width, self.card(line, beside, width=width, font=font).height)

    def spoken(self, line: TreeLine, beside: Beside) -> str:
        """A line for a screen reader: all that is painted."""
        own = self._words.group(line.node) if is_group(line.node) else self._words.node(line.node)
        said = [self._findings.sentence(finding) for finding in beside.findings]
        counted = [] if beside.count is None else [self.tr("{n} 人").format(n=beside.count.matching)]
        level = self.tr("第 {n} 层").format(n=len(line.path) + 1)
        return self.tr("，").join([own, *counted, *said, level])
