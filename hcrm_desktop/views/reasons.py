"""Why an entry does not count yet, why that matters and what to do: for every code a centre can answer with."""

from dataclasses import dataclass

from PySide6.QtCore import QObject

from hcrm_core.wire import OperationKind
from hcrm_desktop.cache.rows import Delivery, UnsentItem
from hcrm_desktop.models.sync_list import is_own
from hcrm_desktop.views.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What happened, why it matters, what to do. Any of them may be empty."""

    happened: str
    matters: str = ""
    to_do: str = ""


class Reasons(QObject):
    """Accounts of entries that did not simply go through."""

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self._words = words

    def held(self, code: str) -> str:
        """Why the centre kept an operation back, in one sentence."""
        head, _, field = code.partition(":")
        about = self._words.field(field) if field else ""
        if head in ("invalid_body", "implausible"):
            return {
                "invalid_body": self.tr("“{field}”的内容中心读不懂。"),
                "implausible": self.tr("“{field}”的数值不可能，没有采用。"),
            }[head].format(field=about)
        return {
            "not_visible": self.tr("客户现在不在录入人名下（多半已转给同事）。"),
            "not_permitted": self.tr("录入人的账号没有这项权限。"),
            "visit_date_needed": self.tr("“已约”没有约定到院日期。"),
            "date_too_far": self.tr("日期在 400 天以后，多半年份写错。"),
            "amend_reason_needed": self.tr("更正检查没有写原因。"),
            "void_reason_needed": self.tr("作废检查没有写原因。"),
            "exam_already_superseded": self.tr("这次检查已被别人更正过。"),
            "exam_unknown": self.tr("这次检查在中心找不到。"),
            "exam_void": self.tr("这次检查已经作废。"),
            "refused_by_store": self.tr("数据之间对不上，数据库没有接受。"),
            "unreadable": self.tr("中心读不懂这条录入，只能由人看过后另行录入。"),
            "device_wiped": self.tr("来自一台被要求清除数据的工作站，没有由本人上传。"),
        }.get(head, self.tr("中心未能应用（代码 {code}）。").format(code=code))

    def short(self, item: UnsentItem) -> str:
        """The line in the list."""
        if item.decision:
            return self.decision(item)
        return {
            Delivery.LOCAL: self.tr("等待上传"),
            Delivery.SENDING: self.tr("已发出，等中心回执"),
            Delivery.REVIEW: self.tr("从损坏的文件里读出，需要您核对"),
            Delivery.CONFLICT: self.conflict(item).happened,
            Delivery.HELD: self.held(item.reason),
            Delivery.ACCEPTED: "",
        }[item.delivery]

    def decision(self, item: UnsentItem) -> str:
        """What a supervisor decided."""
        text = {"apply": self.tr("{by} 已让它生效"), "dismiss": self.tr("{by} 决定不采用")}[item.decision]
        return text.format(by=item.decided_by or self.tr("主管"))

    def account(self, item: UnsentItem) -> Account:
        """The whole story of an entry."""
        if not is_own(item):
            return Account(
                happened=self.tr("这是另一位同事在这台电脑上录入的。"),
                to_do=self.tr("不用做什么：等本人在这台电脑登录后上传或处理。"),
            )
        if item.delivery is Delivery.CONFLICT:
            return self.conflict(item)
        if item.delivery is Delivery.HELD:
            return self._held_account(item)
        if item.delivery is Delivery.REVIEW:
            return Account(
                happened=self.tr("录入文件损坏过，这一条是从损坏的部分读出来的；中心有没有收到过它，本机不知道。"),
                matters=self.tr("在您确认之前它不算数，也不会上传。"),
                to_do=self.tr("内容对、还需要，就“重新提交”；中心已收到过也不会重复。否则“不再需要”。"),
            )
        if item.delivery is Delivery.SENDING:
            return Account(happened=self.tr("已发给中心，还没有收到回执；没收到会自动再发，不会重复。"))
        return Account(
            happened=self.tr("已保存在本机磁盘，还没有上传。"), to_do=self.tr("不用做什么，连上中心后自动上传。")
        )

    def conflict(self, item: UnsentItem) -> Account:
        """Somebody else was quicker."""
        kind = OperationKind(item.kind)
        if kind is OperationKind.RECORD_OUTCOME:
            return Account(
                happened=self.tr("同事已先处理这条任务；您的联系记录已保留。"),
                matters=self.tr("任务以同事的结果为准，家长可能接到了两次电话。"),
                to_do=self.tr("看一眼同事的结果，需要时和同事说一声。"),
            )
        if kind is OperationKind.SNOOZE_TASK:
            return Account(
                happened=self.tr("同事已先处理这条任务，您的推迟没有生效。"),
                to_do=self.tr("还想改天再联系，请在今日任务里重新推迟。"),
            )
        if kind is OperationKind.EDIT_CUSTOMER:
            return Account(
                happened=self.tr("同事在您之前改了同一项资料，两个值不一样。"),
                matters=self.tr("现在以同事的值为准；您的值留在变更历史里，没有丢。"),
                to_do=self.tr("核对哪个对：点“用我的”换成您的，或“用对方的”保持现状。"),
            )
        if kind is OperationKind.END_MEDICATION:
            return Account(
                happened=self.tr("同事在您之前已停了这次用药，日期不一样。"),
                matters=self.tr("以同事的日期为准。"),
                to_do=self.tr("在档案的时间轴里看一眼；日期不对，请和同事核对。"),
            )
        if kind is OperationKind.VOID_EXAM:
            return Account(
                happened=self.tr("您作废的这次检查，同事已先更正或处理过。"),
                matters=self.tr("作废没有生效。"),
                to_do=self.tr("看过同事的更正后决定：仍要作废点“用我的”，保留点“用对方的”。"),
            )
        return Account(
            happened=self.tr("同一次检查有两份更正，两份都保留着。"),
            matters=self.tr("裁定之前，两份都不计入眼轴增长、曲线和提醒。"),
            to_do=self.tr("由验光师比较数值后选一份；确实是两次检查就都保留。"),
        )

    def _held_account(self, item: UnsentItem) -> Account:
        if item.decision:
            return Account(happened=self.held(item.reason), matters=self.decision(item))
        return Account(
            happened=self.held(item.reason),
            matters=self.tr("这条录入没有生效，整条保留在中心，等运营经理裁决。"),
            to_do=self.tr("需要时告诉运营经理；看过后点“知道了”移出列表，中心仍保留。"),
        )
