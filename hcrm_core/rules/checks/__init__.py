"""The checks, one function each: a rule that was looked at in, findings out."""

from collections.abc import Callable, Iterator, Sequence

from hcrm_core.rules.checks import counts, kept, logic, shape, values
from hcrm_core.rules.linting import Finding, Looked

Check = Callable[[Looked], Iterator[Finding]]

ALL: Sequence[Check] = (*shape.CHECKS, *values.CHECKS, *logic.CHECKS, *counts.CHECKS, *kept.CHECKS)
