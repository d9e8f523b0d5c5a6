"""The default rules side by side with zen-engine and rule-engine: same rules, same facts, same verdicts.

The others look at one customer at a time; ours is the statement that the scan sends to PostgreSQL, which counts who
matches. What they are asked is as good as the trees allow: compiled once, days as numbers, facts read beforehand.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from figures import Figure
from rules_library import TODAY
from rules_measuring import load, median_of, timed
from sqlalchemy import func, select, text

from hcrm_central.jobs.compile import predicate
from hcrm_central.jobs.membership import facts_of
from hcrm_central.jobs.rulebook import read_rulebook
from hcrm_central.store.engine import snapshot
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_central.store.opening import Store
from hcrm_core.rules import Lowered
from hcrm_core.rules.lowering import Certain, Comparison, Every, Negation
from hcrm_core.rules.model import Operator, Unknown

ZEN_TIMES, RULE_ENGINE_TIMES = 100, 500
SAMPLE = 2_000  # customers whom the others look at
Row = Mapping[str, Any]  # why Any: facts of every type
Matcher = Callable[[Row], bool]
_SIGNS = {Operator.EQ: "==", Operator.NE: "!=", Operator.LT: "<", Operator.LE: "<=", Operator.GT: ">"}
_SIGNS |= {Operator.GE: ">="}


def side_by_side(store: Store) -> list[Figure]:
    with snapshot(store.jobs) as session:
        trees = [rule.where for rule in read_rulebook(session, on=TODAY).rules.values()]
        ids = session.scalars(text("SELECT id FROM customer ORDER BY md5(id::text) LIMIT :n"), {"n": SAMPLE}).all()
        rows = [{name: _plain(value) for name, value in row.items()} for row in facts_of(session, ids, trees=trees)]
        statement = select(func.count(), *(func.count().filter(predicate(tree)) for tree in trees))
        customers = session.execute(statement.select_from(CUSTOMER_FACTS)).one()[0]
        pace = customers / median_of(lambda: session.execute(statement).one(), times=3)
        among = statement.where(CUSTOMER_FACTS.c.customer_id.in_(ids))
        matching = list(session.execute(among).one()[1:])
    told = f"{pace:,.0f} customers/s, {len(trees)} rules; {load()}"
    return [
        _beside(engine, rows, trees, matching=matching, pace=pace, told=told)
        for engine in (("zen-engine", _zen, ZEN_TIMES), ("rule-engine", _rule_engine, RULE_ENGINE_TIMES))
    ]


def _beside(
    engine: tuple[str, Callable[[str], Matcher], int],
    rows: Sequence[Row],
    trees: Sequence[Lowered],
    *,
    matching: list[int],
    pace: float,
    told: str,
) -> Figure:
    name, compiled, times = engine
    try:
        rules = [compiled(asked(tree)) for tree in trees]
    except ImportError:
        return Figure(f"customers/s beside {name}", "skipped: it is not installed", f"≥ {times} ×", None)
    with timed() as span:
        found = [sum(rule(row) for row in rows) for rule in rules]
    if found != matching:
        raise SystemExit(f"{name} finds others than PostgreSQL does: {found}, {matching}")
    theirs = len(rows) / span.seconds
    measured = f"{pace / theirs:,.0f} ×"
    return Figure(
        f"customers/s beside {name}", measured, f"≥ {times} ×", pace >= times * theirs, f"{theirs:,.0f}; {told}"
    )


def _zen(expression: str) -> Matcher:
    import zen  # type: ignore[import-not-found, unused-ignore] # where it is installed

    rule = zen.compile_expression(expression)
    return lambda row: bool(rule.evaluate(row))


def _rule_engine(expression: str) -> Matcher:
    import rule_engine  # type: ignore[import-not-found, unused-ignore] # where it is installed

    rule = rule_engine.Rule(expression)
    return lambda row: bool(rule.matches(row))


# ── a tree in words that both read ───────────────────────────────────────────────────────────────────────


def asked(tree: Lowered, *, holds: bool = True) -> str:
    """That a tree certainly holds, or certainly does not: two values say what ours say with three."""
    if isinstance(tree, Comparison):
        return _comparison(tree, holds=holds)
    if isinstance(tree, Negation):
        return asked(tree.part, holds=not holds)
    if isinstance(tree, Certain):
        certain = asked(tree.part)
        return certain if holds else f"not ({certain})"
    every = isinstance(tree, Every) is holds
    parts = [f"({asked(part, holds=holds)})" for part in tree.parts]
    return (" and " if every else " or ").join(parts) or ("true" if every else "false")


def _comparison(test: Comparison, *, holds: bool) -> str:
    name = test.fact.name
    if test.op in (Operator.IS_KNOWN, Operator.IS_UNKNOWN):
        return f"{name} {'!=' if (test.op is Operator.IS_KNOWN) is holds else '=='} null"
    found = _found(name, test)
    known = f"{name} != null and {found if holds else f'not ({found})'}"
    counts = test.unknown is (Unknown.YES if holds else Unknown.NO)
    return f"{name} == null or ({known})" if counts else known


def _found(name: str, test: Comparison) -> str:
    words = [_word(_plain(one)) for one in test.constants]
    if test.op is Operator.BETWEEN:
        return f"({name} >= {words[0]} and {name} <= {words[1]})"
    if test.op is Operator.IN:
        return f"({name} in [{', '.join(words)}])"
    return f"({name} {_SIGNS[test.op]} {words[0]})"


def _word(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value).lower()


def _plain(value: object) -> object:
    """Days as numbers, decimals as floats, ids as texts."""
    if isinstance(value, date):
        return value.toordinal()
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, UUID) else value
