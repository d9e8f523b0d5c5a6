"""What a report says of a child: the study's figures, plain words, and never more than is known."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hcrm_core.curves.svg import picture_svg
from hcrm_core.study import EyeStudy, study
from hcrm_core.terms import ExamStatus, Eye, LensState, ProductKind, RefractionMethod
from hcrm_desktop.cache.rows import CustomerRecord
from hcrm_desktop.references import references
from hcrm_desktop.report.content import ReportContent
from hcrm_desktop.report.reading import content_of, file_name
from hcrm_desktop.report.texts import texts
from hcrm_store.curve_words import picture_words
from hcrm_store.resources import resource
from tests.gui.record.records import TODAY, both, exam, eye, full_record, header, order, record, without

# What would frighten, sell or foretell.
FORBIDDEN = (
    "高度近视",
    *(
        "过快",
        "危险",
        "严重",
        "恶化",
        "失明",
        "致盲",
        "警告",
        "警戒",
        "预警",
        "异常",
        "不合格",
        "病变",
        "并发症",
        "可怕",
        "后果",
    ),
    *("立即", "马上", "务必", "必须", "最好的", "最佳", "优惠", "价格", "购买", "升级", "治愈", "根治", "适合手术"),
    *("预测", "将会", "会长到", "成年后", "18岁时"),
)
ADULT = date(2005, 3, 1)


def said(customer: CustomerRecord, *, address: str = "", today: date = TODAY) -> ReportContent:
    return content_of(customer, today=today, address=address)


def all_text(content: ReportContent) -> str:
    return "\n".join((*content.sentences, *(f"{figure.title}{figure.note}" for figure in content.figures)))


def cells(content: ReportContent, label: str) -> tuple[str, str]:
    """Right and left of the first row whose label begins so."""
    return next((right, left) for name, right, left in (*content.values, *content.changes) if name.startswith(label))


def study_of(customer: CustomerRecord) -> EyeStudy:
    head = customer.header
    return study(
        customer.exams,
        orders=customer.orders,
        sex=head.sex,
        birth=head.birth_date,
        today=TODAY,
        references=references(),
    )


def only_right() -> CustomerRecord:
    return record(
        exam(date(2026, 4, 1), eye(Eye.OD, se="-1.00", length="24.00")),
        exam(date(2026, 10, 1), eye(Eye.OD, se="-1.25", length="24.10")),
    )


CHILDREN: dict[str, Callable[[], CustomerRecord]] = {
    "a good day": full_record,
    "no examination": record,
    "one examination": lambda: record(both(date(2026, 11, 1), se=("-1.00", "-1.00"), length=("24.00", "24.00"))),
    "one eye": only_right,
    "no sex": lambda: without(full_record(), sex=None),
    "no birth date": lambda: without(full_record(), birth_date=None),
    "born after an examination": lambda: without(full_record(), birth_date=date(2025, 1, 1)),
    "twenty years old": lambda: without(full_record(), birth_date=ADULT),
    "nothing but a name": lambda: record(header=header(sex=None, birth_date=None, next_due_on=None, site_name="")),
    "shorter than before": lambda: record(
        both(date(2026, 4, 1), se=("-1.00", "-1.00"), length=("24.30", "24.30")),
        both(date(2026, 10, 1), se=("-1.00", "-1.00"), length=("24.10", "24.24")),
    ),
}


@pytest.mark.parametrize("child", CHILDREN.values(), ids=CHILDREN.keys())
def test_no_word_frightens_sells_or_foretells(child: Callable[[], CustomerRecord]) -> None:
    told = all_text(said(child()))
    assert [word for word in FORBIDDEN if word in told] == []


@pytest.mark.parametrize("child", CHILDREN.values(), ids=CHILDREN.keys())
def test_charts_show_what_was_measured_and_foretell_nothing(child: Callable[[], CustomerRecord]) -> None:
    for figure in said(child()).figures:
        assert (figure.picture.fans, figure.picture.slopes) == ((), ())
        drawn = picture_svg(figure.picture, words=picture_words())
        assert [word for word in FORBIDDEN if word in drawn] == []


def test_the_axial_chart_names_its_reference() -> None:
    drawn = picture_svg(said(full_record()).figures[0].picture, words=picture_words())
    assert f"{references().axial_length.name} v{references().axial_length.version}" in drawn


def test_no_text_of_the_file_frightens_sells_or_foretells() -> None:
    lines = resource("reports", "parent.toml").read_text(encoding="utf-8").splitlines()
    told = "\n".join(line for line in lines if not line.startswith(("#", "source")))
    assert [word for word in FORBIDDEN if word in told] == []


def test_every_explanation_has_a_source() -> None:
    assert [note.text for note in texts().notes if not note.source.strip()] == []
    assert len(texts().notes) >= 6


@pytest.mark.parametrize("child", CHILDREN.values(), ids=CHILDREN.keys())
def test_every_sentence_is_filled_in(child: Callable[[], CustomerRecord]) -> None:
    told = all_text(said(child()))
    assert not re.search(r"[{}]|None|nan", told)
    assert all(sentence for sentence in said(child()).steps)


# ── the figures are the study's ──────────────────────────────────────────────────────────────────────────


def test_rate_mean_and_percentile_are_those_of_the_study() -> None:
    customer = full_record()
    verdicts, axial = study_of(customer).axial_verdicts, study_of(customer).axial
    content = said(customer)
    for told, verdict in zip(cells(content, "眼轴，与同龄"), (verdicts[Eye.OD], verdicts[Eye.OS]), strict=True):
        assert f"折合每年 {verdict.growth.per_year} mm" in told
        assert f"平均增长 {verdict.mean_mm} mm" in told
    for told, which in zip(cells(content, "眼轴在同龄"), Eye, strict=True):
        assert told == axial.of(which)[-1].percentile


def test_the_references_stand_on_the_report_with_name_and_version() -> None:
    axial = references().axial_length
    content = said(full_record())
    assert any(axial.name in text and axial.version in text and axial.citation in text for text in content.sources)
    assert any(axial.name in label for label, *_ in content.values)
    assert any(references().axial_growth.citation in text for text in content.sources)


def test_a_change_over_ten_weeks_is_told_and_not_made_a_year() -> None:
    customer = record(
        both(date(2026, 8, 1), se=("-1.00", "-1.00"), length=("24.00", "24.00")),
        both(date(2026, 10, 10), se=("-1.00", "-1.00"), length=("24.09", "24.08")),
    )
    right, left = cells(said(customer), "眼轴，与上次")
    assert "增长 0.09 mm" in right
    assert "可能只是测量误差" in right
    assert "mm" not in left  # 0.08 mm is within what measuring twice leaves: √2 × 0.06 mm
    assert "暂不判断" in left
    assert "不到 150 天" in cells(said(customer), "眼轴，与同龄")[0]


@pytest.mark.parametrize(("days", "told"), [(149, False), (150, True)])
def test_a_rate_needs_150_days(days: int, *, told: bool) -> None:
    first = date(2026, 3, 1)
    customer = record(
        both(first, se=("-1.00", "-1.00"), length=("24.00", "24.00")),
        both(first + timedelta(days=days), se=("-1.00", "-1.00"), length=("24.20", "24.00")),
    )
    assert ("折合每年" in cells(said(customer), "眼轴，与同龄")[0]) is told
    assert ("测量误差，不折算" in cells(said(customer), "眼轴，与上次")[0]) is not told


def test_a_year_is_told_beside_the_mean_of_that_year() -> None:
    right, _ = cells(said(full_record()), "眼轴，近一年")
    assert "增长 0.28 mm（2025-11-15 至 2026-11-14" in right
    assert "同龄近视儿童同一段时间平均增长" in right


def test_the_power_of_an_ok_lens_is_never_told_as_the_childs_or_as_a_change() -> None:
    content = said(full_record())
    assert "戴塑形镜的效果，不是原来的度数" in cells(content, "度数")[0]
    changed = next(row for row in content.changes if row[0] == "度数")
    assert "不作比较" in changed[1]
    assert "减少" not in all_text(content)


def test_other_drops_are_not_compared() -> None:
    customer = record(
        both(date(2026, 4, 1), se=("-1.00", "-1.00"), length=("24.00", "24.00"), cycloplegic=True),
        both(date(2026, 10, 1), se=("-2.00", "-2.00"), length=("24.10", "24.10"), cycloplegic=False),
    )
    content = said(customer)
    assert "条件不同" in next(row for row in content.changes if row[0] == "度数")[1]
    assert any("不散瞳时近视往往显得深一些" in note for note in content.meaning)


def test_an_examination_that_does_not_count_is_not_on_the_report() -> None:
    customer = record(
        both(date(2026, 4, 1), se=("-1.00", "-1.00"), length=("24.00", "24.00")),
        both(date(2026, 10, 1), se=("-9.00", "-9.00"), length=("29.99", "29.99"), status=ExamStatus.VOID),
    )
    assert "29.99" not in all_text(said(customer))
    assert dict(said(customer).facts)["检查日期"] == "2026年4月1日"


# ── what is not known ────────────────────────────────────────────────────────────────────────────────────


def test_without_an_examination_the_report_says_so_and_judges_nothing() -> None:
    content = said(record())
    assert "还没有检查记录" in content.conditions
    assert (content.values, content.changes, content.figures) == ((), (), ())


def test_after_one_examination_nothing_is_compared() -> None:
    content = said(CHILDREN["one examination"]())
    assert cells(content, "眼轴，与上次")[0] == "只测过一次眼轴，下次复查后才能比较。"
    assert cells(content, "眼轴在同龄")[0].startswith("P")


@pytest.mark.parametrize(
    ("child", "reason"),
    [
        ("no sex", "性别没有登记"),
        ("no birth date", "出生日期没有登记"),
        ("born after an examination", "出生日期没有登记"),
        ("twenty years old", "参考只有 6–15 岁"),
    ],
)
def test_without_a_fitting_reference_there_is_a_reason_and_no_percentile(child: str, reason: str) -> None:
    content = said(CHILDREN[child]())
    assert reason in cells(content, "眼轴在同龄")[0]
    assert not re.search(r"P\d", "\n".join(text for row in content.values for text in row))


def test_without_a_birth_date_or_at_twenty_no_mean_stands_beside_the_growth() -> None:
    for child in ("no birth date", "twenty years old"):
        told = "\n".join(text for row in said(CHILDREN[child]()).changes for text in row)
        assert "平均增长" not in told


def test_an_eye_that_was_not_measured_is_said_to_be_unmeasured() -> None:
    content = said(only_right())
    assert cells(content, "眼轴长度") == ("24.10 mm", "这次没有测")
    assert cells(content, "眼轴，与同龄")[1] == "还没有测过眼轴，下次可以一起测。"


def test_unknown_people_and_clinics_have_words() -> None:
    facts = dict(said(CHILDREN["nothing but a name"]()).facts)
    assert facts["性别"] == facts["出生日期"] == facts["年龄"] == "未登记"
    assert said(CHILDREN["nothing but a name"]()).clinic == "视光门诊"


def test_an_eye_that_became_shorter_is_to_be_measured_again() -> None:
    right, left = cells(said(CHILDREN["shorter than before"]()), "眼轴，与同龄")
    assert "缩短 0.20 mm，折合每年 −0.40 mm" in right
    assert "建议再测一次" in right
    assert "没有明显变化" in left


# ── values in plain words ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("sphere", "cylinder", "told"),
    [
        ("-3.00", "-0.50", "近视 300 度，散光 50 度"),
        ("1.25", "0.00", "远视 125 度，没有散光"),
        ("0.00", "-0.25", "平光，散光 25 度"),
        ("-0.25", None, "近视 25 度，散光没有记录"),
    ],
)
def test_powers_are_told_in_degrees(sphere: str, cylinder: str | None, told: str) -> None:
    values: dict[str, Any] = {"sphere": Decimal(sphere), "cylinder": cylinder and Decimal(cylinder), "axis": 90}
    content = said(record(exam(date(2026, 10, 1), eye(Eye.OD, **values))))
    assert cells(content, "度数")[0].endswith(told)


def test_a_lens_power_is_not_told_as_measured() -> None:
    values = exam(date(2026, 10, 1), eye(Eye.OD, se="-2.00"), method=RefractionMethod.LENS_POWER)
    assert "不是检查出的度数" in cells(said(record(values)), "度数")[0]


def test_acuity_below_the_chart_is_a_word() -> None:
    values = exam(date(2026, 10, 1), eye(Eye.OD, ucva=Decimal(2)), eye(Eye.OS, ucva=Decimal("4.85")))
    assert cells(said(record(values)), "裸眼") == ("手动", "4.85")


@pytest.mark.parametrize("state", list(LensState))
@pytest.mark.parametrize("cycloplegic", [True, False, None])
def test_the_conditions_of_every_examination_have_words(state: LensState, *, cycloplegic: bool | None) -> None:
    customer = record(exam(date(2026, 10, 1), eye(Eye.OD, se="-1.00"), lens_state=state, cycloplegic=cycloplegic))
    assert said(customer).conditions.startswith("检查条件：")


# ── next steps ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("due_on", "told"),
    [
        (date(2026, 12, 5), "下次复查：2026年12月5日（13天后）。"),
        (TODAY, "下次复查：今天，2026年11月22日。"),
        (date(2026, 11, 21), "原定 2026年11月21日 复查，请和门诊另约一个时间。"),
        (None, "还没有约下次复查，请在前台预约。"),
    ],
)
def test_the_next_recheck_is_told(due_on: date | None, told: str) -> None:
    assert said(without(full_record(), next_due_on=due_on)).steps[0] == told


def test_how_often_to_come_is_told_where_nothing_is_agreed() -> None:
    assert any("每 3 个月复查" in step for step in said(without(full_record(), next_due_on=None)).steps)
    assert not any("每 3 个月复查" in step for step in said(full_record()).steps)


@pytest.mark.parametrize(
    ("today", "told"),
    [
        (date(2026, 2, 27), "请在 2026年2月28日 至 2026年8月28日 之间来检查镜片"),
        (date(2026, 2, 28), "已到一般的更换时间"),
        (date(2026, 8, 28), "已到一般的更换时间"),
        (date(2026, 8, 29), "已经超过一般的更换时间"),
    ],
)
def test_an_ok_lens_is_due_between_12_and_18_months(today: date, told: str) -> None:
    lens = order(Eye.OD, ProductKind.OK_LENS, date(2025, 2, 28))
    steps = said(record(orders=(lens,)), today=today).steps
    assert any(told in step for step in steps)


def test_a_lens_that_was_stopped_or_is_a_frame_is_not_due() -> None:
    stopped = order(Eye.OD, ProductKind.OK_LENS, date(2024, 2, 28), ended_on=date(2025, 1, 1))
    frame = order(Eye.OS, ProductKind.FUNCTIONAL, date(2024, 2, 28))
    steps = said(record(orders=(stopped, frame))).steps
    assert not any("更换时间" in step for step in steps)
    assert any("正在戴的眼镜" in step for step in steps)


# ── what leaves the house ────────────────────────────────────────────────────────────────────────────────


def test_the_code_holds_the_clinics_address_or_the_number_and_nothing_of_the_child() -> None:
    assert said(full_record(), address="https://clinic.example").code == "https://clinic.example"
    code = said(full_record()).code
    assert re.fullmatch(r"R[0-9A-F]{10}", code)
    assert code != said(full_record()).code


def test_no_phone_guardian_school_or_price_is_on_a_report() -> None:
    told = all_text(said(full_record()))
    head = full_record().header
    canaries = (head.phone, head.guardian_name, head.school, "6800", str(head.id), head.siblings[0][1])
    assert [word for word in canaries if word and word in told] == []


def test_a_file_name_is_one_on_every_system() -> None:
    assert file_name("one", day=TODAY, name='王/欣:怡"') == "眼健康报告_王欣怡_2026-11-22.pdf"
