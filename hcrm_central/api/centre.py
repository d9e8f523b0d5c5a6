"""Everything a request needs from outside itself."""

from dataclasses import dataclass, field

from hcrm_central.api.limiter import Attempts
from hcrm_central.api.making import Making
from hcrm_central.api.wakeups import Wakeups
from hcrm_central.settings import Settings
from hcrm_central.store.opening import Store
from hcrm_store.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """The open store, settings, clock, limits, who waits and what is being made, as the routes share them."""

    store: Store
    settings: Settings
    clock: Clock
    attempts: Attempts
    wakeups: Wakeups = field(default_factory=Wakeups)
    making: Making = field(default_factory=Making)
