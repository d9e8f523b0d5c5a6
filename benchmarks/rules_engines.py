"""The default rules side by side with zen-engine and rule-engine: same rules, same facts, same verdicts.

The others look at one customer at a time, with the facts already in memory. Beside them stand two of our readers: the
expressions over a frame, which has its facts in memory too, and the statement that the scan sends to PostgreSQL, which
reads them where they are. What the others are asked is as good as the trees allow: compiled once, days as numbers.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import narwhals as nw
import polars as pl
from figures import Figure
from rules_library import TODAY
from rules_measuring import load, median_of, timed
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from hcrm_central.jobs.compile import predicate
from hcrm_central.jobs.copying import copy_out
from hcrm_central.jobs.membership import facts_of
from hcrm_central.jobs.rulebook import read_rulebook
from hcrm_central.store.engine import snapshot
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_central.store.opening import Store
from hcrm_core.facts.catalogue import CATALOGUE, FactType
from hcrm_core.rules import Lowered, names_in
from hcrm_core.rules.expressions import expression
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
        customers, *counts = session.execute(statement.select_from(CUSTOMER_FACTS)).one()
        in_place = customers / median_of(lambda: session.execute(statement).one(), times=3)
        matching = list(session.execute(statement.where(CUSTOMER_FACTS.c.customer_id.in_(ids))).one()[1:])
        frame = _frame(session, trees)
    in_memory = _pace_in_memory(frame, trees, counts=counts)
    told = f"in PostgreSQL {in_place:,.0f} customers/s, {len(trees)} rules; {load()}"
    return [
        _beside(engine, rows, trees, matching=matching, paces=(in_memory, in_place), told=told)
        for engine in (("zen-engine", _zen, ZEN_TIMES), ("rule-engine", _rule_engine, RULE_ENGINE_TIMES))
    ]


def _frame(session: Session, trees: Sequence[Lowered]) -> pl.DataFrame:
    """The facts that the trees read, of everybody, as expressions want them."""
    names = sorted({name for tree in trees for name in names_in(tree)})
    flags = {name for name in names if CATALOGUE[name].kind is FactType.BOOLEAN}
    columns = ", ".join(f'"{name}"::text' if name in flags else f'"{name}"' for name in names)
    csv = copy_out(session, f"SELECT {columns} FROM customer_facts", [])
    kinds = {FactType.DATE: pl.Date, FactType.BOOLEAN: pl.Boolean, FactType.INTEGER: pl.Int64}
    kinds |= {FactType.DECIMAL: pl.Float64, FactType.WORD: pl.String, FactType.ID: pl.String}
    schema = {name: kinds[CATALOGUE[name].kind] for name in names}
    decimals = [name for name in names if CATALOGUE[name].kind is FactType.DECIMAL]
    read = pl.read_csv(io.BytesIO(csv), schema=schema, has_header=False)
    return read.with_columns((pl.col(decimals) * 1000).round().cast(pl.Int64))


def _pace_in_memory(frame: pl.DataFrame, trees: Sequence[Lowered], *, counts: list[int]) -> float:
    """Customers a second for all rules over a frame."""
    matching = [expression(tree).fill_null(value=False).sum().alias(f"{n}") for n, tree in enumerate(trees)]
    whole = nw.from_native(frame.lazy())

    def once() -> tuple[int, ...]:
        return whole.select(*matching).collect("polars").row(0)

    if list(once()) != counts:
        raise SystemExit("frames find others than PostgreSQL does")
    return frame.height / median_of(once, times=5)


def _beside(
    engine: tuple[str, Callable[[str], Matcher], int],
    rows: Sequence[Row],
    trees: Sequence[Lowered],
    *,
    matching: list[int],
    paces: tuple[float, float],
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
    in_memory, in_place = (pace / theirs for pace in paces)
    return Figure(
        f"customers/s beside {name}",
        f"{in_memory:,.0f} × in memory, {in_place:,.0f} × in PostgreSQL",
        f"≥ {times} ×",
        in_memory >= times,
        f"{theirs:,.0f}; {paces[0]:,.0f} over a frame; {told}",
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
