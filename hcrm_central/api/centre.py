"""Everything a request needs from outside itself."""

from dataclasses import dataclass, field

from hcrm_central.api.limiter import Attempts
from hcrm_central.api.making import Making
from hcrm_central.api.questions.asking import Questions
from hcrm_central.api.rules.unknown import UnknownShares
from hcrm_central.api.wakeups import Wakeups
from hcrm_central.settings import Settings
from hcrm_central.store.opening import Store
from hcrm_store.clock import Clock

CODE_ATTEMPTS = "10/minute"  # of 100,000,000 codes, each of which lives an hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """What the routes share: the open store, settings, clock, limits, who waits, what is being made and unknown."""

    store: Store
    settings: Settings
    clock: Clock
    attempts: Attempts
    codes: Attempts = field(default_factory=lambda: Attempts(CODE_ATTEMPTS))  # typed on a tablet, per address
    wakeups: Wakeups = field(default_factory=Wakeups)
    making: Making = field(default_factory=Making)
    unknown: UnknownShares = field(default_factory=UnknownShares)
    questions: Questions = field(default_factory=Questions)
