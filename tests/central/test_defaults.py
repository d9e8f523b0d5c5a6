"""Segments, rules, parameters and SOPs arrive once, change by version, and never undo a manager's decision."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import bindparam, func, select, text
from sqlalchemy.dialects.postgresql import JSONB

from hcrm_central.jobs.defaults import DefaultsReport, install_defaults, read_defaults
from hcrm_central.jobs.versions import end, put_segment
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.errors import Rejected
from hcrm_core.rules import Rule, SegmentSpec
from hcrm_core.sop import Sop as SopDefinition
from hcrm_store.base import new_id
from hcrm_store.journeys import RuleParameter, RuleVersion, Segment, Sop
from hcrm_store.resources import resource
from tests.fakes import FakeClock
from tests.scanning import spoil_rule

NOTHING = DefaultsReport(parameters=0, rules=0, sops=0, kept=())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the resources that a test may change."""
    for name in ("rules", "sops", "scripts"):
        shutil.copytree(resource(name), tmp_path / name)
    return tmp_path


def _edit(path: Path, **changes: Any) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(content | changes, allow_unicode=True), encoding="utf-8")


def _rows(store: Store, key: str) -> list[RuleVersion]:
    with transaction(store.jobs) as session:
        query = select(RuleVersion).where(RuleVersion.rule_key == key).order_by(RuleVersion.number)
        return list(session.scalars(query))


def _versions(store: Store, key: str) -> list[tuple[int, str, str]]:
    return [(one.number, one.state, one.author) for one in _rows(store, key)]


def _label(store: Store, key: str) -> str | None:
    with transaction(store.jobs) as session:
        return session.scalar(select(Segment.label).where(Segment.key == key))


def _publish(store: Store, clock: FakeClock, **changes: Any) -> None:
    """A second version of `potential`, as a manager publishes it: columns of the row, or words of the rule."""
    with transaction(store.jobs) as session:
        former = session.scalars(select(RuleVersion).where(RuleVersion.rule_key == "potential")).one()
        words = {name: value for name, value in changes.items() if name in former.definition}
        rule = Rule.model_validate(former.definition | words)
        end(former, at=clock.now())
        session.flush()
        put_segment(session, rule.segment)
        values: dict[str, Any] = {"author": "王", "author_id": new_id(), "published_by_id": new_id()}
        values |= {name: value for name, value in changes.items() if name not in words}
        values |= {"segment_key": rule.segment.key, "definition": rule.as_json(), "published_at": clock.now()}
        session.add(RuleVersion(rule_key="potential", number=2, state="published", **values))


def test_the_first_installation_brings_everything_and_the_second_nothing(store: Store, clock: FakeClock) -> None:
    defaults = read_defaults()
    assert install_defaults(store.jobs, clock=clock) == DefaultsReport(
        parameters=len(defaults.parameters),
        rules=len(defaults.rules),
        sops=len(defaults.sops),
        kept=(),
    )
    assert install_defaults(store.jobs, clock=clock) == NOTHING


def test_a_changed_rule_is_a_new_version_and_retires_the_old(store: Store, clock: FakeClock, folder: Path) -> None:
    install_defaults(store.jobs, clock=clock)
    _edit(folder / "rules" / "potential.yaml", where={"fact": "ever_bought", "op": "eq", "value": False})
    assert install_defaults(store.jobs, clock=clock, root=folder).rules == 1
    assert _versions(store, "potential") == [(1, "retired", "system"), (2, "published", "system")]
    assert install_defaults(store.jobs, clock=clock, root=folder) == NOTHING


def test_a_changed_label_reaches_segment_and_sop(store: Store, clock: FakeClock, folder: Path) -> None:
    install_defaults(store.jobs, clock=clock)
    segment = {"key": "potential", "label": "潜在客户池", "tone": "info", "rank": 10}
    _edit(folder / "rules" / "potential.yaml", segment=segment)
    _edit(folder / "sops" / "recheck_due.yaml", label="召回")
    report = install_defaults(store.jobs, clock=clock, root=folder)
    assert (report.rules, report.sops) == (1, 1)
    assert _label(store, "potential") == "潜在客户池"
    with transaction(store.jobs) as session:
        assert session.scalar(select(Sop.label).where(Sop.key == "recheck_due")) == "召回"


def test_a_version_that_a_release_ends_is_dated(store: Store, clock: FakeClock, folder: Path) -> None:
    install_defaults(store.jobs, clock=clock)
    clock.advance(timedelta(days=90))
    _edit(folder / "rules" / "potential.yaml", label="别的名称")
    install_defaults(store.jobs, clock=clock, root=folder)
    former, present = _rows(store, "potential")
    assert (former.retired_at, present.published_at, present.created_at) == (clock.now(),) * 3


# ── what managers decided ────────────────────────────────────────────────────────────────────────────────


def test_what_a_manager_published_or_set_is_kept(store: Store, clock: FakeClock, folder: Path) -> None:
    install_defaults(store.jobs, clock=clock)
    _publish(store, clock, label="经理的规则", segment={"key": "potential", "label": "经理的客群"})
    with transaction(store.jobs) as session:
        number = session.scalars(select(RuleParameter).where(RuleParameter.key == "replacement_days")).one()
        changed = number.definition | {"value": "600"}
        session.add(RuleParameter(key=number.key, number=2, definition=changed, author="王", author_id=new_id()))
    _edit(folder / "rules" / "potential.yaml", label="别的名称")
    assert install_defaults(store.jobs, clock=clock, root=folder).kept == ("replacement_days", "potential")
    assert _versions(store, "potential") == [(1, "retired", "system"), (2, "published", "王")]
    assert _label(store, "potential") == "经理的客群"
    with transaction(store.jobs) as session:
        count = select(func.count()).where(RuleParameter.key == "replacement_days")
        assert session.scalar(count) == 2


def test_a_rule_that_a_manager_took_out_of_force_stays_out(store: Store, clock: FakeClock, folder: Path) -> None:
    install_defaults(store.jobs, clock=clock)
    with transaction(store.jobs) as session:
        end(session.scalars(select(RuleVersion).where(RuleVersion.rule_key == "potential")).one(), at=clock.now())
    _edit(folder / "rules" / "potential.yaml", label="别的名称")
    for root in (None, folder):
        report = install_defaults(store.jobs, clock=clock, root=root)
        assert (report.rules, report.kept) == (0, ("potential",))
    assert _versions(store, "potential") == [(1, "retired", "system")]
    assert _label(store, "potential") == "潜在客户"


def test_a_default_agreed_to_by_a_manager_is_his(store: Store, clock: FakeClock, folder: Path) -> None:
    """A draft that the keeper of the centre imported has no account for an author."""
    install_defaults(store.jobs, clock=clock)
    _publish(store, clock, author="system", author_id=None, published_by_id=new_id())
    _edit(folder / "rules" / "potential.yaml", label="别的名称")
    assert install_defaults(store.jobs, clock=clock, root=folder).kept == ("potential",)


def test_a_draft_of_a_manager_outlives_a_release(store: Store, clock: FakeClock, folder: Path) -> None:
    install_defaults(store.jobs, clock=clock)
    with transaction(store.jobs) as session:
        published = session.scalars(select(RuleVersion).where(RuleVersion.rule_key == "potential")).one()
        values = {"rule_key": "potential", "segment_key": "potential", "definition": {"unreadable": True}}
        session.add(RuleVersion(number=2, state="draft", author="王", author_id=new_id(), **values))
        assert published.number == 1
    _edit(folder / "rules" / "potential.yaml", label="别的名称")
    assert install_defaults(store.jobs, clock=clock, root=folder).rules == 1
    assert _versions(store, "potential") == [
        (1, "retired", "system"),
        (2, "draft", "王"),
        (3, "published", "system"),
    ]
    assert _rows(store, "potential")[1].definition == {"unreadable": True}


def test_a_new_default_does_not_take_the_segment_of_a_managers_rule(
    store: Store, clock: FakeClock, folder: Path
) -> None:
    (folder / "rules" / "potential.yaml").rename(folder / "potential.yaml")
    install_defaults(store.jobs, clock=clock, root=folder)
    with transaction(store.jobs) as session:
        put_segment(session, SegmentSpec(key="potential", label="我们的"))
        values = {"segment_key": "potential", "definition": {}, "published_at": clock.now()}
        session.add(RuleVersion(rule_key="ours", number=1, state="published", author="王", **values))
    (folder / "potential.yaml").rename(folder / "rules" / "potential.yaml")
    report = install_defaults(store.jobs, clock=clock, root=folder)
    assert (report.rules, report.kept) == (0, ("potential",))
    assert _label(store, "potential") == "我们的"


# ── older releases ───────────────────────────────────────────────────────────────────────────────────────


def test_what_an_older_release_wrote_without_todays_keys_is_the_same(store: Store, clock: FakeClock) -> None:
    install_defaults(store.jobs, clock=clock)
    _age(store)
    assert install_defaults(store.jobs, clock=clock) == NOTHING


def test_what_no_release_can_read_any_more_is_renewed(store: Store, clock: FakeClock) -> None:
    install_defaults(store.jobs, clock=clock)
    spoil_rule(store, "potential")
    assert install_defaults(store.jobs, clock=clock).rules == 1
    assert _versions(store, "potential") == [(1, "retired", "system"), (2, "published", "system")]


def _age(store: Store) -> None:
    """Leave out of every definition what is as it would be anyway, as if the key had not been thought of yet."""
    with store.owner.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table in ("rule_version", "rule_parameter", "sop"):
            aged = text(f"UPDATE {table} SET definition = :definition WHERE id = :id").bindparams(
                bindparam("definition", type_=JSONB)
            )
            for row in connection.execute(text(f"SELECT id, definition FROM {table}")).all():
                connection.execute(aged, {"id": row.id, "definition": _without_defaults(row.definition)})


def _without_defaults(definition: Any) -> Any:
    if isinstance(definition, list):
        return [_without_defaults(one) for one in definition]
    if not isinstance(definition, dict):
        return definition
    plain = {"muted": False, "exclusive": "", "citation": "", "eyes": None, "parameter": None, "sites": []}
    plain |= {"valid_from": None, "valid_until": None, "requirement": ""}
    return {name: _without_defaults(one) for name, one in definition.items() if plain.get(name, ...) != one}


def test_an_sop_is_stored_with_its_script_so_that_a_workstation_can_say_it(store: Store, clock: FakeClock) -> None:
    install_defaults(store.jobs, clock=clock)
    with transaction(store.jobs) as session:
        definition = session.scalars(select(Sop.definition).where(Sop.key == "recheck_overdue")).one()
    assert SopDefinition.model_validate(definition) == read_defaults().sops["recheck_overdue"]


@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        ("rules/potential.yaml", {"where": {"fact": "nonsense", "op": "is_known"}}, "fact_unknown"),
        ("sops/recall.yaml", {"segment": "nonsense"}, "segment_unknown"),
        ("sops/recheck_overdue.yaml", {"replaces": ["nonsense"]}, "sop_unknown"),
        ("sops/recall.yaml", {"script": "nonsense"}, "no script nonsense"),
    ],
)
def test_unsound_files_install_nothing_and_say_why(
    store: Store, clock: FakeClock, folder: Path, *, file: str, change: dict[str, Any], told: str
) -> None:
    _edit(folder / file, **change)
    with pytest.raises(Rejected, match=told) as refused:
        install_defaults(store.jobs, clock=clock, root=folder)
    assert refused.value.code == "defaults_invalid"
    with transaction(store.jobs) as session:
        assert session.scalar(select(func.count()).select_from(Segment)) == 0
