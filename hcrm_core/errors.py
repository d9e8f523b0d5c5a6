"""The one hierarchy of errors.

HcrmError
├── SurroundingsFailed  the surroundings failed; the user can act (message says what, why, what to do)
│   ├── Unreachable      the centre does not answer
│   ├── NotPermitted     the account may not do this
│   ├── SignInRequired   the session ended or was revoked
│   └── StoreUnusable    a local or central store cannot be opened
└── Rejected           the request itself cannot be honoured (a code and parameters, never patient data)

Everything else that is raised is a bug. Implausible clinical input is not an exception but a `Problem`.
"""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum


class HcrmError(Exception):
    """Root of every error that HCRM raises on purpose."""


class SurroundingsFailed(HcrmError):
    """The surroundings failed and the user can act on it.

    Attributes:
        remedy: what to do, one sentence in the imperative.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class Unreachable(SurroundingsFailed):
    """The centre does not answer."""


class NotPermitted(SurroundingsFailed):
    """The account may not do this."""


class SignInRequired(SurroundingsFailed):
    """The session ended or was revoked."""


class StoreUnusable(SurroundingsFailed):
    """A local or central store cannot be opened."""


class Rejected(HcrmError):
    """The request cannot be honoured.

    Attributes:
        code: a stable word for the reason, e.g. ``"task_already_closed"``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Severity(StrEnum):
    """How much a problem weighs: worth a look, to be confirmed, or impossible."""

    HINT = "hint"  # worth a look
    WARNING = "warning"  # unusual: confirm
    ERROR = "error"  # impossible: cannot be kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One remark on input. All checks run and all problems are shown together.

    Attributes:
        code: a stable word, e.g. ``"date_impossible"``; `views/` and reports turn it into a sentence.
        field: which value, e.g. ``"OD.sphere"`` or ``"birth_date"``.
        severity: whether the input can be kept.
        parameters: values that the sentence names (what was seen, what is allowed).
    """

    code: str
    field: str
    severity: Severity = Severity.ERROR
    parameters: dict[str, str] = dataclasses.field(default_factory=dict)
