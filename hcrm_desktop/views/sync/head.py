"""The truth about the connection in one sentence, the first that matters, and how fresh the data is."""

from datetime import date, datetime

from PySide6.QtCore import QObject

from hcrm_core.terms import Source
from hcrm_desktop.cache.rows import SyncStatus
from hcrm_desktop.views.words import Words


def oldest_by_source(feeds: dict[str, datetime]) -> dict[str, datetime]:
    """A source is as old as the oldest of its feeds ("his:exams", "his:visits" …)."""
    oldest: dict[str, datetime] = {}
    for feed, at in feeds.items():
        source = feed.partition(":")[0]
        oldest[source] = min(at, oldest.get(source, at))
    return oldest


class HeadWords(QObject):
    """Says how things stand."""

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self._words = words

    def sentence(self, status: SyncStatus, today: date) -> str:
        """What a person must know first."""
        if status.needs_person:
            return self.tr("{n} 条录入需要处理").format(n=status.needs_person)
        if status.unsent:
            return self._unsent(status, today)
        if status.progress is not None:
            return self.tr("正在下载数据 {share:.0%}").format(share=status.progress)
        if status.last_success_at is None:
            return self.tr("还没有同步过")
        at = self._words.clock_time(status.last_success_at, today)
        if status.online:
            return self.tr("全部已上传 · {at}").format(at=at)
        since = self._words.clock_time(status.offline_since or status.last_success_at, today)
        return self.tr("离线（{since} 起），没有未上传的录入 · 上次同步 {at}").format(since=since, at=at)

    def _unsent(self, status: SyncStatus, today: date) -> str:
        if status.oldest_unsent_at is None:
            return self.tr("{n} 条录入还在本机，恢复连接后自动上传").format(n=status.unsent)
        since = self._words.clock_time(status.oldest_unsent_at, today)
        if status.online:
            text = self.tr("{n} 条录入还在本机（最早 {since}），正在上传")
        else:
            text = self.tr("{n} 条录入还在本机（最早 {since}），恢复连接后自动上传")
        return text.format(n=status.unsent, since=since)

    def detail(self, status: SyncStatus, today: date) -> str:
        """What else is worth knowing: the rest of the connection, and how fresh the data is."""
        words = self._words
        parts = [self._connection(status, today), self.tr("任务扫描 {at}").format(at=words.moment(status.scanned_at))]
        parts += [
            self.tr("{source}数据截至 {at}").format(source=self._source(source), at=words.moment(at))
            for source, at in sorted(oldest_by_source(status.feeds).items())
        ]
        return "   ".join(part for part in parts if part)

    def _connection(self, status: SyncStatus, today: date) -> str:
        """Only what the sentence above does not say."""
        if status.state == "verify":
            return self.tr("正在与中心核对")
        if not (status.needs_person or status.unsent):
            return ""
        if status.online or status.offline_since is None:
            at = self._words.moment(status.last_success_at)
            return self.tr("上次同步 {at}").format(at=at)
        return self.tr("离线，{at} 起").format(at=self._words.clock_time(status.offline_since, today))

    def _source(self, name: str) -> str:
        return next((self._words.source(source) for source in Source if source.value == name), name)
