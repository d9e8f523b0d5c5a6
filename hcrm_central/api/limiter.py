"""How often somebody may fail to sign in: per account, and per address."""

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from hcrm_central.api.refusals import Refused
from hcrm_core.wire import RefusalCode


class Attempts:
    """Counts attempts in this process's memory. One process serves a group; a second one has its own count.

    Every attempt on an account counts until one succeeds, so that parallel guesses cannot slip through; an address
    counts its failures only, because a whole clinic may stand behind one.
    """

    def __init__(self, allowed: str) -> None:
        self._allowed: RateLimitItem = parse(allowed)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def begin(self, *, username: str, address: str) -> None:
        """Count an attempt.

        Raises:
            Refused: too many, with the seconds to wait.
        """
        if not self._limiter.test(self._allowed, "address", address):
            raise self._too_many()
        if not self._limiter.hit(self._allowed, "account", username):
            raise self._too_many()

    def failed(self, *, address: str) -> None:
        self._limiter.hit(self._allowed, "address", address)

    def succeeded(self, *, username: str) -> None:
        self._limiter.clear(self._allowed, "account", username)

    def _too_many(self) -> Refused:
        # The whole window, not its rest: whoever comes back then is sure to be heard.
        return Refused(RefusalCode.TOO_MANY_ATTEMPTS, retry_after=self._allowed.get_expiry())
