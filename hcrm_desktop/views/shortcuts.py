"""All keys on one sheet (F1)."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QLabel, QWidget


class ShortcutsDialog(QDialog):
    """Keys and what they do. Any key closes it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("键盘快捷键"))
        grid = QGridLayout(self)
        grid.setContentsMargins(32, 24, 32, 24)
        grid.setHorizontalSpacing(32)
        grid.setVerticalSpacing(8)
        for line, (keys, meaning) in enumerate(self._keys()):
            key_label = QLabel(keys)
            key_label.setProperty("role", "title")
            grid.addWidget(key_label, line, 0, Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(QLabel(meaning), line, 1)

    def _keys(self) -> tuple[tuple[str, str], ...]:
        return (
            (self.tr("Ctrl+K"), self.tr("搜索客户：姓名、拼音首字母、手机尾号")),
            (self.tr("Alt+1 … Alt+8"), self.tr("切换页面")),
            (self.tr("↑ ↓"), self.tr("上一条、下一条")),
            (self.tr("Enter"), self.tr("打开客户档案")),
            (self.tr("1 … 9"), self.tr("任务：记录结果")),
            (self.tr("Ctrl+1 … Ctrl+9"), self.tr("任务：勾选同一电话里的第几项")),
            (self.tr("S"), self.tr("任务：推迟")),
            (self.tr("C"), self.tr("任务：复制话术")),
            (self.tr("N"), self.tr("任务：写备注，Enter 写完")),
            (self.tr("D"), self.tr("任务：改下次日期，Enter 改完")),
            (self.tr("?"), self.tr("任务：为何有这条任务")),
            (self.tr("E"), self.tr("档案：录入检查（验光师）")),
            (self.tr("M"), self.tr("档案：用药（验光师）")),
            (self.tr("F"), self.tr("档案：记录跟进")),
            (self.tr("P"), self.tr("档案：裁定更正（验光师）")),
            (self.tr("H"), self.tr("档案：查看选中检查的历史")),
            (self.tr("R"), self.tr("档案：选中一行的原始记录")),
            (self.tr("Ctrl+I"), self.tr("档案：编辑资料")),
            (self.tr("F9 / F8"), self.tr("档案：展示给孩子和家长 / 立即隐藏")),
            (self.tr("T"), self.tr("档案：分享到平板")),
            (self.tr("Ctrl+P"), self.tr("档案：家长报告；客户：批量报告")),
            (self.tr("Ins / Enter / D / M / Del"), self.tr("规则：加条件 / 修改 / 复制 / 停用 / 删除")),
            (self.tr("Ctrl+↑↓  Alt+←→"), self.tr("规则：移动一行 / 移出、移进组")),
            (self.tr("Ctrl+G / Ctrl+Shift+G / N / U"), self.tr("规则：全部满足 / 任一满足 / 不满足 / 解散组")),
            (self.tr("F"), self.tr("规则：按提示修正选中的一行")),
            (self.tr("Ctrl+S / Ctrl+Enter"), self.tr("规则：保存草稿 / 发布")),
            (self.tr("Alt+M / T / B / K"), self.tr("同步：用我的 / 用对方的 / 两个都保留 / 知道了")),
            (self.tr("Esc"), self.tr("返回")),
            (self.tr("Ctrl+Z"), self.tr("撤销刚才的录入（尚未上传时）")),
            (self.tr("F5"), self.tr("立即同步")),
            (self.tr("F1"), self.tr("这张表")),
        )
