"""Which line of one tree is which line of another one."""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from hcrm_core.rules.model import Condition, Node, Path, Reference, children, nodes


def matched(before: Node, after: Node) -> dict[Path, Path]:
    """Pairs of lines, each line in one pair at most.

    Equal trees first, the largest first and the nearest of several; then groups by what they share; then, within
    matched groups, groups in their order and conditions about the same fact; at last conditions about the same fact
    wherever they stand.
    """
    matching = _Matching(dict(nodes(before)), dict(nodes(after)))
    matching.pair_equal()
    matching.pair_groups()
    matching.pair_within()
    matching.pair_alike(matching.left_before(), matching.left_after())
    return dict(sorted(matching.pairs.items()))


Key = Callable[[Node], Any]  # why Any: whatever tells lines apart; None: cannot be told


@dataclass(frozen=True, slots=True)
class _Matching:
    before: dict[Path, Node]
    after: dict[Path, Node]
    pairs: dict[Path, Path] = field(default_factory=dict)
    taken: set[Path] = field(default_factory=set)

    def left_before(self) -> list[Path]:
        return [path for path in self.before if path not in self.pairs]

    def left_after(self) -> list[Path]:
        return [path for path in self.after if path not in self.taken]

    def pair(self, was: Path, now: Path) -> None:
        self.pairs[was] = now
        self.taken.add(now)

    def pair_equal(self) -> None:
        places: dict[Node, list[Path]] = {}
        for path, node in self.after.items():
            places.setdefault(node, []).append(path)
        for was in sorted(self.before, key=lambda path: (-_size(self.before[path]), path)):
            free = [now for now in places.get(self.before[was], ()) if now not in self.taken]
            if was not in self.pairs and free:
                self._pair_trees(was, min(free, key=lambda now: (now != was, -_shared(was, now), now)))

    def _pair_trees(self, was: Path, now: Path) -> None:
        for below, _ in nodes(self.before[was]):
            self.pair((*was, *below), (*now, *below))

    def pair_groups(self) -> None:
        """The roots, then the innermost groups first."""
        if () not in self.pairs and () not in self.taken and _is_group(self.before[()]) and _is_group(self.after[()]):
            self.pair((), ())
        for was in sorted(self.left_before(), key=len, reverse=True):
            below = ((*was, n) for n in range(len(children(self.before[was]))))
            votes = Counter(self.pairs[child][:-1] for child in below if self.pairs.get(child))
            free = [now for now in votes if now not in self.taken]
            if free:
                self.pair(was, max(free, key=lambda now: (votes[now], _shared(was, now))))

    def pair_within(self) -> None:
        waiting = deque(sorted(self.pairs.items()))
        while waiting:
            was, now = waiting.popleft()
            fresh = set(self.pairs)
            self.pair_alike(*self._children_left(was, now))
            self._pair_by(_kind, *self._children_left(was, now))
            self._pair_by(_any_group, *self._children_left(was, now))
            waiting.extend((one, self.pairs[one]) for one in sorted(set(self.pairs) - fresh))

    def pair_alike(self, olds: Iterable[Path], news: Iterable[Path]) -> None:
        """Conditions about the same fact, and references to the same rule."""
        olds, news = list(olds), list(news)
        for key in (_asked_alike, _asked):
            self._pair_by(key, olds, news)

    def _children_left(self, was: Path, now: Path) -> tuple[list[Path], list[Path]]:
        olds = [(*was, n) for n in range(len(children(self.before[was])))]
        news = [(*now, n) for n in range(len(children(self.after[now])))]
        return [path for path in olds if path not in self.pairs], [path for path in news if path not in self.taken]

    def _pair_by(self, key: Key, olds: Iterable[Path], news: Iterable[Path]) -> None:
        free: dict[Any, deque[Path]] = {}
        for now in news:
            if now not in self.taken:
                free.setdefault(key(self.after[now]), deque()).append(now)
        for was in olds:
            said = key(self.before[was])
            if was not in self.pairs and said is not None and free.get(said):
                self.pair(was, free[said].popleft())


def _size(node: Node) -> int:
    return sum(1 for _ in nodes(node))


def _shared(one: Path, other: Path) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _is_group(node: Node) -> bool:
    return bool(children(node))


def _kind(node: Node) -> Any:
    return type(node) if _is_group(node) else None


def _any_group(node: Node) -> Any:
    return _is_group(node) or None


def _asked_alike(node: Node) -> Any:
    return (node.fact, node.eyes, node.op) if isinstance(node, Condition) else _asked(node)


def _asked(node: Node) -> Any:
    if isinstance(node, Condition):
        return node.fact
    return ("rule", node.rule) if isinstance(node, Reference) else None
