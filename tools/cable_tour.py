"""A walk that pulls the cable while somebody works, and leaves pictures of what the screen says meanwhile.

`dev.py demo --flaky --headless` runs it with the workstation's own arguments: the same program, with a cable between
it and the centre.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QListView

from hcrm_desktop.__main__ import parse
from hcrm_desktop.app import Options, Workstation, build_application
from hcrm_desktop.cache.queries import unsent_items
from hcrm_desktop.cache.rows import Delivery, UnsentItem
from hcrm_desktop.views.tour import LAPTOP, Tour, Wait
from hcrm_sim.flaky.cable import Cable
from hcrm_sim.flaky.faults import USUAL, Fault, Mode

# Long enough for a picture of what is on its way, short enough to be through in seconds.
FAR_AWAY = Fault(mode=Mode.DELAY, amount=1500)

CALLS = 2


class CableTour(Tour):
    """On line, unplugged with unsent work, healing, healed."""

    def __init__(self, workstation: Workstation, folder: Path, cable: Cable) -> None:
        super().__init__(workstation, folder)
        self._cable = cable
        self._items: list[UnsentItem] = []

    def _walk(self) -> Iterator[Wait]:
        yield self._station.window.isVisible
        yield lambda: self._station.frame is not None
        yield self._synced
        self._station.theme.choose("light")
        self._station.window.resize(LAPTOP)
        yield from self._both_pages("cable_1_on_line")
        self._cable.become(USUAL[Mode.DROP])
        yield from self._work()
        yield lambda: not self._online()
        yield from self._both_pages("cable_2_unplugged")
        yield from self._record("cable_2_unplugged")
        yield from self._page("sync")
        self._cable.become(FAR_AWAY)
        yield self._on_its_way
        yield from self._shot("cable_3_healing_sync")
        self._cable.heal()
        yield self._all_sent
        yield from self._both_pages("cable_4_healed")

    def _work(self) -> Iterator[Wait]:
        yield from self._page("today")
        yield self._shows(QListView)
        yield self._nobody_answers

    def _nobody_answers(self) -> bool:
        """Press as a person does, until two calls at least are on this computer only."""
        if self._unsent() < CALLS:
            QTest.keyClicks(self._focused(QListView), "2")
        return self._unsent() >= CALLS

    def _both_pages(self, name: str) -> Iterator[Wait]:
        for page in ("today", "sync"):
            yield from self._page(page)
            yield from self._shot(f"{name}_{page}")

    def _record(self, name: str) -> Iterator[Wait]:
        """The record of somebody who was called: it says that the call is on this computer only."""
        self._ask_items()
        yield lambda: bool(self._items)
        customer_id = self._items[0].customer_id
        assert customer_id is not None
        self._frame().open_customer(customer_id)
        yield from self._shot(f"{name}_record")

    def _unsent(self) -> int:
        return self._status.unsent if self._status is not None else 0

    def _on_its_way(self) -> bool:
        self._ask_items()
        return any(item.delivery is Delivery.SENDING for item in self._items)

    def _ask_items(self) -> None:
        self._station.tasks.query(self, unsent_items, done=self._on_items)

    def _on_items(self, items: list[UnsentItem]) -> None:
        self._items = items


def main() -> int:
    """Walk once. Returns what the tour ended with."""
    arguments = parse(sys.argv[1:])
    password = sys.stdin.readline().rstrip("\n")
    with Cable(arguments.server) as cable:
        application = build_application(sys.argv[:1])
        options = Options(
            profile=arguments.profile,
            server_url=cable.url,
            key_file=arguments.key_file,
            username=arguments.login,
            password=password,
        )
        workstation = Workstation(application, options)
        workstation.start()
        tour = CableTour(workstation, arguments.shots, cable)
        tour.start()
        return application.exec()


if __name__ == "__main__":
    sys.exit(main())
