"""Talks say what is known and nothing else."""

from dataclasses import fields
from datetime import date
from decimal import Decimal
from itertools import combinations

import pytest
from pydantic import ValidationError

from hcrm_central.jobs.defaults import read_defaults
from hcrm_core.eye.age import months_before
from hcrm_core.scripts import Script, ScriptValues, render_beside, render_script
from hcrm_core.terms import Eye, ProductKind

TODAY = date(2026, 11, 22)
FULL = ScriptValues(
    today=TODAY,
    guardian_name="王女士",
    child_name="王欣怡",
    staff_name="李静",
    site_name="城东院区",
    last_exam_on=date(2026, 8, 20),
    sphere={Eye.OD: Decimal("-2.25"), Eye.OS: Decimal("0.00")},
    cylinder={Eye.OD: Decimal("-0.50")},
    growth={Eye.OD: Decimal("0.50")},
    product=ProductKind.OK_LENS,
    lens_since=date(2025, 6, 1),
    due_on=date(2026, 11, 10),
)
SCRIPTS = {sop.key: sop.script for sop in read_defaults().sops.values()}


def test_the_recheck_talk_has_the_wording_that_was_asked_for() -> None:
    talk = render_script(SCRIPTS["recheck_overdue"], FULL)
    assert talk == (
        "王女士，您好！我是城东院区的李静。距离王欣怡上次复查已过3个月，"
        "上次检查数据显示右眼度数增长了50度，建议及时复查，看看近期的变化。您看这周哪天方便？我帮您预约时间。"
    )


def test_the_replacement_talk_names_product_and_date_of_the_lens() -> None:
    talk = render_script(SCRIPTS["lens_replacement"], FULL)
    assert "角膜塑形镜是2025年6月1日取的，已戴17个月" in talk
    assert "右眼-2.25、左眼+0.00" in talk


@pytest.mark.parametrize("key", sorted(SCRIPTS))
def test_no_talk_ever_says_none_or_shows_a_placeholder_whatever_is_missing(key: str) -> None:
    optional = [field.name for field in fields(ScriptValues) if field.name != "today"]
    for many in (0, 1, 2, len(optional) - 2, len(optional) - 1, len(optional)):
        for missing in combinations(optional, many):
            known = {name: getattr(FULL, name) for name in optional if name not in missing}
            talk = render_script(SCRIPTS[key], ScriptValues(today=TODAY, **known))
            assert "None" not in talk
            assert "{" not in talk
            assert talk.startswith(("您好", "王女士，您好"))
            beside = render_beside(SCRIPTS[key], ScriptValues(today=TODAY, **known))
            assert beside.startswith("另外")
            assert not [hole for hole in ("None", "{") if hole in beside]


@pytest.mark.parametrize(("growth", "told"), [("0.24", False), ("0.25", True), ("-0.50", False)])
def test_growth_within_the_smallest_step_is_not_spoken_of(growth: str, *, told: bool) -> None:
    values = ScriptValues(today=TODAY, child_name="王欣怡", growth={Eye.OD: Decimal(growth)})
    assert ("增长" in render_script(SCRIPTS["recheck_overdue"], values)) is told


@pytest.mark.parametrize(("last_exam_on", "said"), [(date(2026, 8, 22), "3个月"), (date(2026, 8, 23), "2个月")])
def test_months_are_full_months(last_exam_on: date, said: str) -> None:
    values = ScriptValues(today=TODAY, child_name="王欣怡", last_exam_on=last_exam_on)
    assert f"上次复查已过{said}" in render_script(SCRIPTS["recheck_overdue"], values)


def test_a_month_is_as_long_in_a_talk_as_in_a_rule() -> None:
    script = Script(key="k", label="l", sentences=(("{lens_months}个月",),))
    for since, today in [(date(2025, 8, 31), date(2026, 2, 28)), (date(2025, 8, 30), date(2026, 2, 27))]:
        by_rule = 6 if since <= months_before(today, months=6) else 5
        assert render_script(script, ScriptValues(today=today, lens_since=since)) == f"{by_rule}个月"


def test_a_name_with_braces_is_just_a_name() -> None:
    values = ScriptValues(today=TODAY, child_name="{staff}", staff_name="李静")
    assert "{staff}" in render_script(SCRIPTS["recheck_due"], values)


@pytest.mark.parametrize(
    "text", ["{password}", "{child.__class__}", "{due_on.month.real}", "{child:>99999999}", "{child!r}", "{", "{}"]
)
def test_a_script_with_a_placeholder_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Script(key="k", label="l", sentences=((text,),))


def test_a_script_knows_what_it_speaks_of() -> None:
    script = Script(key="k", label="l", sentences=(("{growth_od}度", "您好"),), beside=("{child}",))
    assert [script.speaks_of(name) for name in ("growth", "child", "sphere")] == [True, True, False]
