"""What each eye wears now, in words."""

from collections.abc import Sequence
from datetime import date

from PySide6.QtCore import QObject

from hcrm_core.terms import Eye
from hcrm_desktop.cache.rows import OrderRow
from hcrm_desktop.views.words import Words


def worn_now(orders: Sequence[OrderRow], eye: Eye) -> OrderRow | None:
    """The lens dispensed last, unless its wear has ended."""
    dispensed = [order for order in orders if order.eye is eye and order.dispensed_on is not None]
    latest = max(dispensed, key=lambda order: order.dispensed_on or date.min, default=None)
    return latest if latest is not None and latest.ended_on is None else None


class WornWords(QObject):
    """Products and the ages of lenses."""

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self._words = words

    def texts(self, orders: Sequence[OrderRow], today: date) -> list[str]:
        """One text for each eye, or one for both if they wear the same."""
        worn = {eye: order for eye in Eye if (order := worn_now(orders, eye)) is not None}
        texts = {eye: self._text(order, today) for eye, order in worn.items()}
        if len(texts) == 2 and len(set(texts.values())) == 1:
            return [self.tr("双眼 {worn}").format(worn=texts[Eye.OD])]
        return [self.tr("{eye} {worn}").format(eye=self._words.eye(eye), worn=text) for eye, text in texts.items()]

    def _text(self, order: OrderRow, today: date) -> str:
        days = (today - (order.dispensed_on or today)).days
        return self.tr("{product} · 镜龄 {span}").format(
            product=self._words.product(order.product), span=self._words.span(max(0, days))
        )
