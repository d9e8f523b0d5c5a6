"""The size report: lines of files and functions, nesting, annotations and docstrings, against the house's targets.

Counts size and shape, not quality: a function cut in two to please this report is worse than before. Only the hard
limits fail (`docs/decisions/0005-limits.md`): 600 lines a file, 60 a function.
"""

import ast
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("hcrm_core", "hcrm_store", "hcrm_central", "hcrm_desktop", "hcrm_sim", "tests")
FILE_LIMIT, FUNCTION_LIMIT = 600, 60
NESTING = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.AsyncFor, ast.AsyncWith, ast.Match)


@dataclass(frozen=True, slots=True)
class Function:
    where: str
    lines: int
    nesting: int
    documented: bool


def functions(path: Path) -> Iterator[Function]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            where = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
            yield Function(where, lines, depth(node), ast.get_docstring(node) is not None)


def depth(node: ast.AST) -> int:
    """How deep the control flow inside a node nests; an `elif` does not nest."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        chained = isinstance(node, ast.If) and isinstance(child, ast.If) and child in node.orelse
        deepest = max(deepest, depth(child) + (isinstance(child, NESTING) and not chained))
    return deepest


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def report(package: str) -> list[str]:
    """Print one row; return what breaks a hard limit."""
    paths = sorted((ROOT / package).rglob("*.py"))
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    found = [function for path in paths for function in functions(path)]
    if not found:
        return []
    lengths = [function.lines for function in found]
    filled = [size for size in sizes.values() if size > 1]
    print(
        f"{package:13} {len(paths):4} files {sum(sizes.values()):6} lines"
        f" | file {statistics.median(filled):4.0f} / {percentile(filled, 0.95):4} / {max(filled):4}"
        f" | function {statistics.median(lengths):3.0f} / {percentile(lengths, 0.95):3} / {max(lengths):3}"
        f" | nesting p95 {percentile([function.nesting for function in found], 0.95)}"
        f" | documented {sum(function.documented for function in found) / len(found):4.0%}"
    )
    long_files = [f"{path.relative_to(ROOT)}: {size} lines" for path, size in sizes.items() if size > FILE_LIMIT]
    return long_files + [f"{f.where}: {f.lines} lines" for f in found if f.lines > FUNCTION_LIMIT]


def main() -> int:
    print(f"{'':13} median / 95 % / largest; limits: {FILE_LIMIT} lines a file, {FUNCTION_LIMIT} a function")
    broken = [line for package in PACKAGES for line in report(package)]
    print("\n".join(f"too long: {line}" for line in broken) or "size: within limits")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
