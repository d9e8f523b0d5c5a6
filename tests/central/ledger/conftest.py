"""A site with staff, and a builder of small ledgers in the layout of the sample."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import inspect, select, text
from sqlalchemy.orm import Session

from hcrm_central.connectors.ledger import LedgerReport, import_ledger
from hcrm_central.store.engine import snapshot, transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.postgres import PrivatePostgres
from hcrm_core.terms import DepartmentKind, Role
from hcrm_store.organisation import Department, Site, Staff
from hcrm_store.resources import resource
from tests.conftest import copied
from tests.fakes import FakeClock

SAMPLE = resource("samples", "ledger_sample.xlsx")
# What every store has from the beginning, and the organisation.
_LASTING = {"alembic_version", "incarnation", "scan_lease", "site", "department", "staff"}
STAFF = ("周婷", "王燕", "刘佳", "李娜", "陈晓")

_OK_TITLES = [
    "序号", "姓名", "性别", "出生日期", "家长姓名", "联系电话", "建档日期", "定片日期", "品牌", "型号",
    "右眼", None, None, None, None, "左眼", None, None, None, None,
    "最近复查", "下次复查", "换片日期", "负责医助", "备注",
]  # fmt: skip
_EYE_TITLES = ["裸眼视力", "球镜", "柱镜", "眼轴", "K1"]
_FRAME_TITLES = [
    "姓名", "电话", "配镜日期", "镜片类型", "品牌型号", "右眼处方", "左眼处方", "PD", "金额", "验光师", "回访日期",
    "回访结果", "下次复查时间", "备注",
]  # fmt: skip
_SCREENING_TITLES = [
    "学校", "班级", "姓名", "性别", "身份证号", "家长电话", "筛查日期", "裸眼R", "裸眼L", "电脑验光R", "电脑验光L",
    "眼轴R", "眼轴L", "是否散瞳", "建议",
]  # fmt: skip

Cells = dict[str, object]
Write = Callable[..., Path]


def ok_row(**cells: object) -> Cells:
    """A sound row of 角塑台账; give other cells by title, `右眼/球镜` as `右眼球镜`."""
    sound: Cells = {
        "姓名": "王欣怡", "性别": "女", "出生日期": "2014-05-06", "家长姓名": "李女士", "联系电话": "13800001234",
        "建档日期": "2025-01-10", "定片日期": "2025-02-01", "品牌": "梦戴维", "型号": "DV", "右眼裸眼视力": "4.3",
        "右眼球镜": "-2.50", "右眼柱镜": "-0.50", "右眼眼轴": 24.5, "右眼K1": 42.5, "左眼裸眼视力": 0.2,
        "左眼球镜": "-250", "左眼柱镜": "平光", "左眼眼轴": 24.4, "左眼K1": 42.3, "最近复查": "2026-09-01",
        "下次复查": "三个月后", "负责医助": "王燕",
    }  # fmt: skip
    return sound | cells


def frame_row(**cells: object) -> Cells:
    """A sound row of 框架镜回访."""
    sound: Cells = {
        "姓名": "王欣怡", "电话": "13800001234", "配镜日期": "2024-03-01", "镜片类型": "离焦",
        "品牌型号": "豪雅 新乐学", "右眼处方": "-2.25DS/-0.50DC×180", "左眼处方": "-225", "金额": "￥2681",
        "验光师": "陈晓",
        "回访日期": "2024-04-01", "回访结果": "适应良好", "下次复查时间": "6个月后",
    }  # fmt: skip
    return sound | cells


def screening_row(**cells: object) -> Cells:
    """A sound row of 屈光发育档案."""
    sound: Cells = {
        "学校": "实验小学", "班级": "三(2)班", "姓名": "王欣怡", "性别": "女", "家长电话": "13800001234",
        "筛查日期": "2024-01-05", "裸眼R": "4.5", "裸眼L": 0.3, "电脑验光R": "-1.75DS", "电脑验光L": "-1.50/-0.50*170",
        "眼轴R": 24.1, "眼轴L": 24.0, "是否散瞳": "否", "建议": "定期复查",
    }  # fmt: skip
    return sound | cells


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a ledger with the given rows of each sheet."""

    def written(
        *, ok: list[Cells] | None = None, frame: list[Cells] | None = None, screening: list[Cells] | None = None,
        name: str = "ledger.xlsx",
    ) -> Path:  # fmt: skip
        workbook = Workbook()
        workbook.remove(workbook.worksheets[0])
        if ok is not None:
            _write_ok(workbook, ok)
        for title, titles, rows in (
            ("框架镜回访", _FRAME_TITLES, frame),
            ("屈光发育档案", _SCREENING_TITLES, screening),
        ):
            if rows is not None:
                _write_flat(workbook, title, titles, rows)
        path = tmp_path / name
        workbook.save(path)
        return path

    return written


@pytest.fixture(scope="session")
def clinic(postgres_server: PrivatePostgres, template_database: str) -> Iterator[Store]:
    """One store for all tests of the ledger, with a site, its optometry department and the staff of the sample."""
    with copied(postgres_server, template_database) as store:
        with transaction(store.jobs) as session:
            _add_clinic(session)
        yield store


@pytest.fixture
def staffed(clinic: Store) -> Store:
    """The clinic's store without anything but its staff."""
    with clinic.owner.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = 'replica'"))  # no triggers, any order
        for table in inspect(connection).get_table_names():
            if table not in _LASTING:
                connection.execute(text(f"DELETE FROM {table}"))
    return clinic


def _add_clinic(session: Session) -> None:
    site = Site(code="HZ01", name="杭州")
    session.add(site)
    session.flush()
    department = Department(site_id=site.id, code="OPT", name="视光", kind=DepartmentKind.OPTOMETRY)
    session.add(department)
    session.flush()
    for number, name in enumerate(STAFF):
        role = Role.OPTOMETRIST if name == "陈晓" else Role.ASSISTANT
        session.add(Staff(code=f"S{number}", name=name, role=role, site_id=site.id, department_id=department.id))


@pytest.fixture
def take(staffed: Store, clock: FakeClock) -> Callable[..., LedgerReport]:
    """Imports a ledger into the staffed store."""

    def taken(path: Path, **options: Any) -> LedgerReport:
        return import_ledger(staffed.jobs, path, clock=clock, **options)

    return taken


@pytest.fixture
def reading(staffed: Store) -> Iterator[Callable[[type[Any]], list[Any]]]:
    """Reads all rows of a mapped class."""

    def everything(kind: type[Any]) -> list[Any]:
        with snapshot(staffed.jobs) as session:
            return _detached(session, kind)

    return everything


def _detached(session: Session, kind: type[Any]) -> list[Any]:
    found = list(session.scalars(select(kind)))
    session.expunge_all()
    return found


def _write_ok(workbook: Workbook, rows: list[Cells]) -> None:
    sheet = workbook.create_sheet("角塑台账")
    sheet.append(["角膜塑形镜患者登记台账"])
    sheet.append(_OK_TITLES)
    sheet.append([None] * 10 + _EYE_TITLES * 2)
    titles = _OK_TITLES[:10] + [f"{eye}{title}" for eye in ("右眼", "左眼") for title in _EYE_TITLES] + _OK_TITLES[20:]
    for row in rows:
        sheet.append([row.get(title) for title in titles])
    sheet.merge_cells("K2:O2")
    sheet.merge_cells("P2:T2")


def _write_flat(workbook: Workbook, title: str, titles: list[str], rows: list[Cells]) -> None:
    sheet = workbook.create_sheet(title)
    sheet.append(titles)
    for row in rows:
        sheet.append([row.get(one) for one in titles])
