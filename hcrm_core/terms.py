"""The closed vocabularies of the clinic, one enum each.

The 中文 of every member stands in docs/glossary.md; `views/` turns members into words. Values are what the
database, the wire and the resource files hold, so a member may be renamed but its value may not.
"""

from enum import StrEnum


class Eye(StrEnum):
    """One eye. Clinics write the right eye first."""

    OD = "OD"  # oculus dexter 右眼
    OS = "OS"  # oculus sinister 左眼


class Sex(StrEnum):
    """性别: decides which reference a percentile is read from. Unknown is None."""

    MALE = "male"
    FEMALE = "female"


class Role(StrEnum):
    """R3: what an account may see and do."""

    ASSISTANT = "assistant"  # 视光医助 / 客服
    OPTOMETRIST = "optometrist"  # 验光师 / 验配师
    MANAGER = "manager"  # 视光运营经理
    EXECUTIVE = "executive"  # 集团 / 院区管理层
    ADMIN = "admin"  # system administrator: accounts and devices, no patient data


class DepartmentKind(StrEnum):
    """科室 of a site."""

    OPTOMETRY = "optometry"  # 视光
    REFRACTIVE = "refractive"  # 屈光


class ProductKind(StrEnum):
    """What a lens order supplies; an episode of wear is a run of orders of one kind."""

    OK_LENS = "ok_lens"  # 角膜塑形镜
    SINGLE_VISION = "single_vision"  # 单光框架
    FUNCTIONAL = "functional"  # 功能性框架 (defocus)


class Medicine(StrEnum):
    """用药: a medicine against myopia that a child takes."""

    ATROPINE = "atropine"  # 低浓度阿托品


class LensState(StrEnum):
    """What the eye was wearing before it was measured; decides which values may be compared."""

    NONE = "none"  # never or not for long
    SPECTACLES = "spectacles"
    OK_LENS = "ok_lens"  # refraction, K and acuity are treatment outcomes
    OK_WASHOUT = "ok_washout"  # stopped for `washout_days`
    SOFT_LENS = "soft_lens"
    UNKNOWN = "unknown"


class RefractionMethod(StrEnum):
    """How a refraction was found; only equal methods are compared."""

    AUTOREFRACTION = "autorefraction"  # 电脑验光
    RETINOSCOPY = "retinoscopy"  # 检影
    SUBJECTIVE = "subjective"  # 主觉验光
    LENS_POWER = "lens_power"  # 镜片处方: never enters a progression series
    UNKNOWN = "unknown"


class ExamStatus(StrEnum):
    """A correction is a new exam that supersedes; nothing is overwritten."""

    FINAL = "final"
    AMENDED = "amended"  # superseded by a later exam
    VOID = "void"  # entered in error
    CONTESTED = "contested"  # one of several corrections: none counts until a clinician picks


class Source(StrEnum):
    """Where a row came from."""

    HIS = "his"
    SALES = "sales"
    SCREENING = "screening"
    DEVICE = "device"
    LEDGER = "ledger"  # Excel
    WORKSTATION = "workstation"
    SIMULATION = "simulation"


class VisitState(StrEnum):
    """到院: what became of a visit."""

    BOOKED = "booked"
    ARRIVED = "arrived"
    MISSED = "missed"
    CANCELLED = "cancelled"


class Channel(StrEnum):
    """How a family was reached."""

    WECOM = "wecom"
    SMS = "sms"
    PHONE = "phone"
    AI_CALL = "ai_call"
    IN_PERSON = "in_person"


class Outcome(StrEnum):
    """How one contact ended."""

    BOOKED = "booked"  # 已约
    NO_ANSWER = "no_answer"  # 未接
    CONSIDERING = "considering"  # 考虑
    DECLINED = "declined"  # 拒绝
    ARRIVED = "arrived"  # 已到院
    WRONG_NUMBER = "wrong_number"  # 空号
    MOVED_AWAY = "moved_away"  # 转外地
    SATISFIED = "satisfied"  # 适应良好
    DISCOMFORT = "discomfort"  # 不适, 建议复查


class TaskState(StrEnum):
    """How far a task has come."""

    OPEN = "open"  # 未开始
    IN_PROGRESS = "in_progress"  # contacted, not settled
    SNOOZED = "snoozed"  # put off until a date
    DONE = "done"
    CANCELLED = "cancelled"


class LeadKind(StrEnum):
    """线索: what a lead is for."""

    UPSELL = "upsell"  # 升单: frame to OK lens
    REFERRAL = "referral"  # 转科: optometry to refractive


class LeadState(StrEnum):
    """How far a lead has come."""

    STARTED = "started"  # 发起
    ACCEPTED = "accepted"  # 已接
    VISITED = "visited"  # 到诊
    CLOSED = "closed"  # 成交
    RETURNED = "returned"  # 退回
    EXPIRED = "expired"  # 过期
