"""The line to the centre: what the parts of one conversation share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.orm import Session

from hcrm_core.errors import HcrmError
from hcrm_core.wire import Person
from hcrm_desktop.cache.rows import Changes
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync.client import CentreClient
from hcrm_desktop.sync.session import CentreSession, Superseded
from hcrm_desktop.sync.states import Course

T = TypeVar("T")


class EpochChanged(HcrmError):
    """The centre's database is another one than at hello: begin again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One conversation of one workspace with one centre.

    Attributes:
        on_changes: told after every transaction that changed what screens show.
        stopped: asked between requests; a cycle then ends early, and answers that still come are for nobody.
    """

    workspace: Workspace
    client: CentreClient
    session: CentreSession
    course: Course
    on_changes: Callable[[Changes], None]
    stopped: Callable[[], bool]

    def ask(self, request: Callable[[dict[str, str]], T]) -> T:
        """Make a request as the person who is signed in (CentreSession.ask)."""

        def moving(headers: dict[str, str]) -> T:
            self.course.move()
            return request(headers)

        return self.session.ask(moving)

    def tell(self, *kinds: str) -> None:
        """Screens that show these kinds are to look again."""
        if kinds:
            self.on_changes(Changes.of(*kinds))

    @contextmanager
    def still(self, person: Person) -> Iterator[Session]:
        """Write, if what was asked for is still wanted here.

        Raises:
            Superseded: if it is not.
        """
        with self.workspace.write() as session:
            if self.stopped() or self.workspace.person() != person:
                raise Superseded("the conversation ended before the answer came")
            yield session

    def relay(self) -> None:
        """Lay what was entered here over the cache again."""
        self.workspace.relay()
        self.tell("task", "follow_up", "exam", "eye_measurement", "customer", "outbox")
