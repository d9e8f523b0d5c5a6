"""Segments, rules, parameters and SOPs arrive once, change by version, and never undo a manager's decision."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import func, select

from hcrm_central.jobs.defaults import DefaultsReport, install_defaults, read_defaults
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.errors import Rejected
from hcrm_core.sop import Sop as SopDefinition
from hcrm_store.journeys import RuleParameter, RuleVersion, Segment, Sop
from hcrm_store.resources import resource
from tests.fakes import FakeClock

NOTHING = DefaultsReport(parameters=0, segments=0, rules=0, sops=0, kept=())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the resources that a test may change."""
    for name in ("rules", "sops", "scripts"):
        shutil.copytree(resource(name), tmp_path / name)
    return tmp_path


def _edit(path: Path, **changes: Any) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(content | changes, allow_unicode=True), encoding="utf-8")


def _versions(store: Store, key: str) -> list[tuple[int, str, str]]:
    with transaction(store.jobs) as session:
        query = select(RuleVersion).where(RuleVersion.rule_key == key).order_by(RuleVersion.number)
        return [(one.number, one.state, one.author) for one in session.scalars(query)]


def test_the_first_installation_brings_everything_and_the_second_nothing(store: Store, clock: FakeClock) -> None:
    defaults = read_defaults()
    assert install_defaults(store.jobs, clock=clock) == DefaultsReport(
        parameters=len(defaults.parameters),
        segments=len(defaults.rules),
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
    _edit(folder / "sops" / "recall.yaml", label="召回")
    report = install_defaults(store.jobs, clock=clock, root=folder)
    assert (report.segments, report.sops) == (1, 1)
    with transaction(store.jobs) as session:
        assert session.scalar(select(Segment.label).where(Segment.key == "potential")) == "潜在客户池"
        assert session.scalar(select(Sop.label).where(Sop.key == "recall")) == "召回"


def test_what_a_manager_published_is_kept(store: Store, clock: FakeClock, folder: Path) -> None:
    install_defaults(store.jobs, clock=clock)
    with transaction(store.jobs) as session:
        rule = session.scalars(select(RuleVersion).where(RuleVersion.rule_key == "potential")).one()
        rule.author = "manager"
        number = session.scalars(select(RuleParameter).where(RuleParameter.key == "replacement_days")).one()
        changed = number.definition | {"value": "600"}
        session.add(RuleParameter(key=number.key, number=2, definition=changed, author="manager"))
    _edit(folder / "rules" / "potential.yaml", label="别的名称")
    assert install_defaults(store.jobs, clock=clock, root=folder).kept == ("replacement_days", "potential")
    assert _versions(store, "potential") == [(1, "published", "manager")]
    with transaction(store.jobs) as session:
        count = select(func.count()).where(RuleParameter.key == "replacement_days")
        assert session.scalar(count) == 2


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
        ("sops/recall.yaml", {"replaces": ["nonsense"]}, "sop_unknown"),
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
