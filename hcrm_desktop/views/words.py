"""The clinic's words: enum members, numbers and dates as people read them. One place, so that they agree everywhere."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from PySide6.QtCore import QObject

from hcrm_core.clinic_time import SHANGHAI
from hcrm_core.eye.age import years_and_months
from hcrm_core.fleet import DeviceState
from hcrm_core.tasks import CloseReason
from hcrm_core.terms import (
    Channel,
    ExamStatus,
    Eye,
    LensState,
    Outcome,
    ProductKind,
    RefractionMethod,
    Role,
    Sex,
    Source,
    TaskState,
    VisitState,
)
from hcrm_core.wire import OperationKind
from hcrm_desktop.cache.rows import Delivery


class Words(QObject):
    """Turns codes and numbers into words. What is unknown is a word too."""

    def eye(self, eye: Eye) -> str:
        return {Eye.OD: self.tr("右眼"), Eye.OS: self.tr("左眼")}[eye]

    def sex(self, sex: Sex | None) -> str:
        return (
            {Sex.MALE: self.tr("男"), Sex.FEMALE: self.tr("女")}.get(sex, self.tr("性别未知"))
            if sex
            else self.tr("性别未知")
        )

    def role(self, role: Role) -> str:
        return {
            Role.ASSISTANT: self.tr("医助"),
            Role.OPTOMETRIST: self.tr("验光师"),
            Role.MANAGER: self.tr("运营经理"),
            Role.EXECUTIVE: self.tr("管理层"),
            Role.ADMIN: self.tr("系统管理员"),
        }[role]

    def no_guardian(self, role: Role) -> str:
        """Why no guardian is shown: row security keeps those of others' customers from an optometrist."""
        return self.tr("家长仅责任人可见") if role is Role.OPTOMETRIST else self.tr("家长未登记")

    def course(self, percent: Decimal | None) -> str:
        """Low-dose atropine, as strong as it is or, where that is not told, alone."""
        if percent is None:
            return self.tr("低浓度阿托品")
        return self.tr("阿托品 {percent}%").format(percent=f"{percent.normalize():f}")

    def product(self, product: ProductKind | None) -> str:
        if product is None:
            return self.tr("未配镜")
        return {
            ProductKind.OK_LENS: self.tr("角塑"),
            ProductKind.SINGLE_VISION: self.tr("单光镜"),
            ProductKind.FUNCTIONAL: self.tr("功能镜"),
        }[product]

    def outcome(self, outcome: Outcome) -> str:
        return {
            Outcome.BOOKED: self.tr("已约"),
            Outcome.NO_ANSWER: self.tr("未接"),
            Outcome.CONSIDERING: self.tr("考虑"),
            Outcome.DECLINED: self.tr("拒绝"),
            Outcome.ARRIVED: self.tr("已到院"),
            Outcome.WRONG_NUMBER: self.tr("空号"),
            Outcome.MOVED_AWAY: self.tr("已转外地"),
            Outcome.SATISFIED: self.tr("适应良好"),
            Outcome.DISCOMFORT: self.tr("不适"),
        }[outcome]

    def channel(self, channel: Channel) -> str:
        return {
            Channel.WECOM: self.tr("企微"),
            Channel.SMS: self.tr("短信"),
            Channel.PHONE: self.tr("电话"),
            Channel.AI_CALL: self.tr("AI 外呼"),
            Channel.IN_PERSON: self.tr("当面"),
        }[channel]

    def task_state(self, state: TaskState) -> str:
        return {
            TaskState.OPEN: self.tr("未开始"),
            TaskState.IN_PROGRESS: self.tr("跟进中"),
            TaskState.SNOOZED: self.tr("已推迟"),
            TaskState.DONE: self.tr("已完成"),
            TaskState.CANCELLED: self.tr("已取消"),
        }[state]

    def lens_state(self, state: LensState) -> str:
        return {
            LensState.NONE: self.tr("未戴镜"),
            LensState.SPECTACLES: self.tr("戴框架镜"),
            LensState.OK_LENS: self.tr("戴角塑中"),
            LensState.OK_WASHOUT: self.tr("角塑停戴"),
            LensState.SOFT_LENS: self.tr("戴软镜"),
            LensState.UNKNOWN: self.tr("未记录"),
        }[state]

    def method(self, method: RefractionMethod) -> str:
        return {
            RefractionMethod.AUTOREFRACTION: self.tr("电脑验光"),
            RefractionMethod.RETINOSCOPY: self.tr("检影"),
            RefractionMethod.SUBJECTIVE: self.tr("主觉验光"),
            RefractionMethod.LENS_POWER: self.tr("镜片处方"),
            RefractionMethod.UNKNOWN: self.tr("未记录"),
        }[method]

    def cycloplegia(self, cycloplegic: bool | None) -> str:  # noqa: FBT001 - one value of a record, not a switch
        if cycloplegic is None:
            return self.tr("散瞳未记录")
        return self.tr("散瞳") if cycloplegic else self.tr("未散瞳")

    def source(self, source: Source) -> str:
        return {
            Source.HIS: self.tr("HIS"),
            Source.SALES: self.tr("销售"),
            Source.SCREENING: self.tr("筛查"),
            Source.DEVICE: self.tr("设备"),
            Source.LEDGER: self.tr("台账"),
            Source.WORKSTATION: self.tr("本系统"),
            Source.SIMULATION: self.tr("模拟"),
        }[source]

    def visit_state(self, state: VisitState) -> str:
        return {
            VisitState.BOOKED: self.tr("已预约"),
            VisitState.ARRIVED: self.tr("已到院"),
            VisitState.MISSED: self.tr("未到"),
            VisitState.CANCELLED: self.tr("已取消"),
        }[state]

    def exam_status(self, status: ExamStatus) -> str:
        return {
            ExamStatus.FINAL: self.tr("有效"),
            ExamStatus.AMENDED: self.tr("已更正"),
            ExamStatus.VOID: self.tr("已作废"),
            ExamStatus.CONTESTED: self.tr("待裁定"),
        }[status]

    def delivery(self, delivery: Delivery) -> str:
        return {
            Delivery.ACCEPTED: self.tr("已入库"),
            Delivery.LOCAL: self.tr("仅在本机"),
            Delivery.SENDING: self.tr("上传中"),
            Delivery.HELD: self.tr("待处理"),
            Delivery.CONFLICT: self.tr("有冲突"),
            Delivery.REVIEW: self.tr("待核对"),
        }[delivery]

    # ── sync ─────────────────────────────────────────────────────────────────────────────────────────────

    def operation(self, kind: str) -> str:
        """What was entered; a kind of a later release as it is."""
        names: dict[str, str] = {
            OperationKind.RECORD_OUTCOME: self.tr("任务结果"),
            OperationKind.SNOOZE_TASK: self.tr("任务推迟"),
            OperationKind.RECORD_EXAM: self.tr("检查"),
            OperationKind.RECORD_FOLLOW_UP: self.tr("跟进"),
            OperationKind.PICK_EXAM: self.tr("检查裁定"),
            OperationKind.VOID_EXAM: self.tr("检查作废"),
            OperationKind.EDIT_CUSTOMER: self.tr("资料变更"),
            OperationKind.RECORD_MEDICATION: self.tr("开始用药"),
            OperationKind.END_MEDICATION: self.tr("停用药"),
            OperationKind.UNREADABLE: self.tr("读不懂的录入"),
        }
        return names.get(kind, kind)

    def field(self, path: str) -> str:
        """A field of a row by its path, "guardian.phone" or "OD.sphere"; one without a word of its own as it is."""
        head, _, name = path.rpartition(".")
        own = {"guardian.name": self.tr("家长姓名")}.get(path)
        word = own or self._fields().get(name, name)
        eye = {Eye.OD.value: self.tr("右眼"), Eye.OS.value: self.tr("左眼")}.get(head)
        return self.tr("{eye}{name}").format(eye=eye, name=word) if eye else word

    def _fields(self) -> dict[str, str]:
        return {
            "name": self.tr("姓名"),
            "sex": self.tr("性别"),
            "birth_date": self.tr("出生日期"),
            "do_not_contact": self.tr("请勿联系"),
            "relation": self.tr("与孩子关系"),
            "phone": self.tr("电话"),
            "state": self.tr("任务状态"),
            "status": self.tr("检查状态"),
            "exam": self.tr("检查"),
            "examined_on": self.tr("检查日期"),
            "method": self.tr("验光方法"),
            "cycloplegic": self.tr("散瞳"),
            "lens_state": self.tr("戴镜状态"),
            "washout_days": self.tr("停戴天数"),
            "device": self.tr("设备"),
            "note": self.tr("备注"),
            "amend_reason": self.tr("更正原因"),
            "reason": self.tr("原因"),
            "outcome": self.tr("结果"),
            "channel": self.tr("方式"),
            "next_on": self.tr("下次日期"),
            "until": self.tr("推迟到"),
            "eyes": self.tr("眼别"),
            "ucva": self.tr("裸眼"),
            "bcva": self.tr("矫正"),
            "sphere": self.tr("球镜"),
            "cylinder": self.tr("柱镜"),
            "axis": self.tr("轴位"),
            "axial_length_mm": self.tr("眼轴"),
            "k1": self.tr("K1"),
            "k2": self.tr("K2"),
            "iop_mmhg": self.tr("眼压"),
            "cct_um": self.tr("CCT"),
        }

    def value(self, field: str, value: object) -> str:
        """A value of a row's body in words; what is unknown is a word too."""
        if value is None or value == "":
            return self.tr("未记录")
        name = field.rpartition(".")[2]
        read = self._readings().get(name)
        try:
            return str(value) if read is None else read(value)
        except (ValueError, KeyError):  # a word of a later release
            return str(value)

    def _readings(self) -> dict[str, Callable[[Any], str]]:
        return {
            "sex": lambda value: self.sex(Sex(value)),
            "do_not_contact": lambda value: self.tr("是") if value in (True, "true", "True") else self.tr("否"),
            "cycloplegic": self.cycloplegia,
            "outcome": lambda value: self.outcome(Outcome(value)),
            "channel": lambda value: self.channel(Channel(value)),
            "state": self._ending,
            "status": lambda value: self.exam_status(ExamStatus(value)),
            "method": lambda value: self.method(RefractionMethod(value)),
            "lens_state": lambda value: self.lens_state(LensState(value)),
            "sphere": lambda value: self.diopters(Decimal(value)),
            "cylinder": lambda value: self.diopters(Decimal(value)),
        }

    def _ending(self, value: str) -> str:
        """How a task stands: its state, or why it was closed."""
        if value in set(TaskState):
            return self.task_state(TaskState(value))
        if value in set(Outcome):
            return self.outcome(Outcome(value))
        return {
            CloseReason.UNREACHABLE: self.tr("多次未接，已结束"),
            CloseReason.VISITED: self.tr("已到院"),
            CloseReason.PURCHASED: self.tr("已配镜"),
            CloseReason.REASON_GONE: self.tr("不再需要，系统已结束"),
            CloseReason.DO_NOT_CONTACT: self.tr("请勿联系，系统已结束"),
            CloseReason.SUPERSEDED: self.tr("由更新的任务代替"),
        }[CloseReason(value)]

    def device_state(self, state: DeviceState) -> str:
        return {
            DeviceState.STUCK: self.tr("上传卡住"),
            DeviceState.SILENT: self.tr("长时间没有联系"),
            DeviceState.WIPE_ORDERED: self.tr("等待清除"),
            DeviceState.WELL: self.tr("正常"),
            DeviceState.BLOCKED: self.tr("已停用"),
            DeviceState.WIPED: self.tr("已清除"),
        }[state]

    def since(self, at: datetime | None, now: datetime) -> str:
        """How long ago: "刚刚", "5 分钟前", "3 小时前", "3天前", or that it never was."""
        if at is None:
            return self.tr("从未")
        minutes = int((now - at).total_seconds()) // 60
        if minutes < 1:
            return self.tr("刚刚")
        if minutes < 60:
            return self.tr("{n} 分钟前").format(n=minutes)
        if minutes < 24 * 60:
            return self.tr("{n} 小时前").format(n=minutes // 60)
        return self.tr("{span}前").format(span=self.span(minutes // (24 * 60)))

    # ── numbers and dates ────────────────────────────────────────────────────────────────────────────────

    def diopters(self, value: Decimal | None) -> str:
        """Signed, two decimals, with a real minus: "−3.25"."""
        if value is None:
            return self.tr("—")
        return f"{value:+.2f}".replace("-", "−") if value else "0.00"

    def age(self, birth_date: date | None, on: date) -> str:
        """ "9岁2月", or that it is unknown."""
        if birth_date is None or birth_date > on:
            return self.tr("年龄未知")
        years, months = years_and_months(birth_date, on=on)
        if months == 0:
            return self.tr("{years}岁").format(years=years)
        return self.tr("{years}岁{months}月").format(years=years, months=months)

    def span(self, days: int) -> str:
        """A number of days as a person would say it: "12天", "5个月", "1年7个月"."""
        if days < 60:
            return self.tr("{n}天").format(n=days)
        months = round(days / 30.4375)
        if months < 24:
            return self.tr("{n}个月").format(n=months)
        years, rest = divmod(months, 12)
        if rest == 0:
            return self.tr("{n}年").format(n=years)
        return self.tr("{years}年{months}个月").format(years=years, months=rest)

    def due(self, due_on: date, today: date) -> str:
        """How a due date lies to today: "超期 12天", "今天", "3天后"."""
        days = (today - due_on).days
        if days > 0:
            return self.tr("超期 {span}").format(span=self.span(days))
        return self.tr("今天") if days == 0 else self.tr("{span}后").format(span=self.span(-days))

    def day(self, on: date | None) -> str:
        return on.strftime("%Y-%m-%d") if on else self.tr("未记录")

    def moment(self, at: datetime | None) -> str:
        """An instant on the clinic's clock."""
        return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if at else self.tr("从未")

    def clock_time(self, at: datetime, today: date) -> str:
        """Only the time if it was today."""
        local = at.astimezone(SHANGHAI)
        return local.strftime("%H:%M") if local.date() == today else local.strftime("%m-%d %H:%M")
