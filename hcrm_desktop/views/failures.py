"""Errors in the clinic's words: what happened, why it matters, what to do. The core speaks in classes and codes."""

from PySide6.QtCore import QObject

from hcrm_core.errors import NotPermitted, Rejected, SignInRequired, SurroundingsFailed, Unreachable


class Failures(QObject):
    """Turns an error into a sentence for the person at the desk."""

    def sentence(self, error: Exception) -> str:
        """One sentence, two at most."""
        if isinstance(error, Rejected):
            return self._rejected(error.code)
        if isinstance(error, SignInRequired):
            return self._sign_in(getattr(error, "code", ""))
        if isinstance(error, SurroundingsFailed):
            return self._surroundings(error)
        return self.tr("程序出错，已记入日志，已保存的录入没有丢失。请重试；仍不行请联系管理员。")

    def _surroundings(self, error: SurroundingsFailed) -> str:
        from hcrm_desktop.sync.client import Busy, ServerFailed, UpgradeRequired

        busy = self.tr("尝试次数过多，或中心正忙，请一分钟后再试。")
        wrong = self.tr("中心的回答不对：地址可能填错，或中心有故障。录入会保存在本机；请检查地址，或联系管理员。")
        away = self.tr("连不上中心。录入会保存在本机，恢复后自动上传；也请检查网线和服务器地址。")
        old = self.tr("这个版本太旧，中心不再支持，请联系管理员升级；录入会保存在本机。")
        mine = self.tr("当前账号没有这项权限，没有改动任何数据。需要时请联系运营经理。")
        shut = self.tr(
            "本机数据文件打不开：可能已有一个工作站在使用，或密钥不对。请关闭另一个窗口后重试，或联系管理员。"
        )
        said = {Busy: busy, ServerFailed: wrong, UpgradeRequired: old, Unreachable: away, NotPermitted: mine}
        return next((text for kind, text in said.items() if isinstance(error, kind)), shut)

    def _rejected(self, code: str) -> str:
        return {
            "task_already_closed": self.tr("这条任务已经结束，列表已更新。"),
            "task_of_another": self.tr("这条任务由同事负责，只有负责人、医助或运营经理可以记录结果。"),
            "task_unknown": self.tr("这条任务已不在本机，可能已转给同事。"),
            "customer_unknown": self.tr("这位客户已不在本机，可能已转给同事。"),
            "visit_date_needed": self.tr("记录“已约”需要填写约定的到院日期。"),
            "date_too_far": self.tr("日期超过 400 天，请检查年份。"),
            "nothing_measured": self.tr("至少填写一只眼的一项数值才能保存。"),
            "nothing_to_undo": self.tr("没有可以撤销的录入。"),
            "already_sent": self.tr("这条录入已上传，不能直接撤销，请另记一条更正。"),
            "too_many_attempts": self.tr("尝试次数过多，请一分钟后再试。"),
            "amend_reason_needed": self.tr("更正检查需要填写原因。"),
            "exam_already_superseded": self.tr("这次检查已被更正过，请刷新后再看。"),
            "not_permitted": self.tr("当前账号没有这项权限。"),
            "not_visible": self.tr("这位客户不在您的名下。"),
            "nothing_changed": self.tr("没有改动，不用保存。"),
            "exam_unknown": self.tr("这次检查已不在本机，请刷新后再看。"),
            "reason_needed": self.tr("请写原因，它会留在历史里。"),
            "already_decided": self.tr("这一条已经处理过了，列表已更新。"),
            "nothing_to_redo": self.tr("现在的情况再录一次也改变不了，请看过后点“用对方的”。"),
            "several_to_choose_from": self.tr("还有不止一份更正，请打开档案，在“更正待裁定”里挑选。"),
            "lease_over": self.tr("太久没有连上中心，客户资料已隐藏；连上后自动恢复，录入不会丢。"),
            "not_both": self.tr("其中一份已作废，不能都保留。"),
        }.get(code, self.tr("中心没有接受这项操作，已保留，等待处理。"))

    def _sign_in(self, code: str) -> str:
        return {
            "wrong_credentials": self.tr("用户名或密码不对，请重新输入。"),
            "account_inactive": self.tr("这个账号已停用，请联系运营经理。"),
            "device_revoked": self.tr("这台工作站已被停用，请联系管理员。"),
            "session_ended": self.tr("登录已过期，请重新登录；未上传的录入都还在。"),
        }.get(code, self.tr("需要重新登录；未上传的录入都还在。"))
