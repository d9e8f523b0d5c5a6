"""What comes next: the recheck, the lens, what to bring."""

from collections.abc import Iterator, Sequence
from datetime import date

from hcrm_core.eye.age import add_months
from hcrm_core.record import OrderRecord
from hcrm_core.study import EyeStudy
from hcrm_core.terms import Eye, ProductKind
from hcrm_desktop.report.texts import Texts
from hcrm_desktop.report.values import day, span


class Steps:
    """The next steps of one child."""

    def __init__(self, say: Texts, study: EyeStudy) -> None:
        self._say, self._today = say, study.today
        self._worn = {eye: order for eye in Eye if (order := worn_lens(study.orders, eye=eye)) is not None}

    def sentences(self, due_on: date | None) -> Iterator[str]:
        """In the order in which they matter."""
        yield self._recheck(due_on)
        products = {order.product for order in self._worn.values()}
        if due_on is None or due_on < self._today:
            yield from (self._say(f"steps.interval.{product.value}") for product in ProductKind if product in products)
        for eye, order in self._worn.items():
            if order.product is ProductKind.OK_LENS and order.dispensed_on is not None:
                yield self._replacement(order, eye=eye, since=order.dispensed_on)
        if products:
            yield self._say("steps.bring_lens" if ProductKind.OK_LENS in products else "steps.bring_spectacles")
        yield self._say("steps.ask")

    def _recheck(self, due_on: date | None) -> str:
        if due_on is None:
            return self._say("steps.recheck_none")
        days = (due_on - self._today).days
        name = "recheck" if days > 0 else "recheck_today" if days == 0 else "recheck_passed"
        return self._say(f"steps.{name}", day=day(self._say, due_on), span=span(self._say, days))

    def _replacement(self, order: OrderRecord, *, eye: Eye, since: date) -> str:
        first, last = (add_months(since, months=months) for months in self._say.replacement_months)
        name = "lens_window" if self._today < first else "lens_now" if self._today <= last else "lens_passed"
        return self._say(
            f"steps.{name}",
            eye=self._say(f"eye.{eye.value}"),
            product=self._say(f"product.{order.product.value}"),
            since=day(self._say, since),
            from_day=day(self._say, first),
            to_day=day(self._say, last),
        )


def worn_lens(orders: Sequence[OrderRecord], *, eye: Eye) -> OrderRecord | None:
    """The lens of an eye dispensed last, unless its wear has ended."""
    dispensed = [order for order in orders if order.eye is eye and order.dispensed_on is not None]
    latest = max(dispensed, key=lambda order: order.dispensed_on or date.min, default=None)
    return latest if latest is not None and latest.ended_on is None else None
