"""The text check: Chinese where it belongs, translated where it is shown, and nothing that names a machine.

* `hcrm_desktop/views`: every Chinese literal is the argument of `self.tr(…)` or `QCoreApplication.translate(…)`, and
  that argument is one plain literal (an f-string or `%` inside is looked up at run time and never found).
* `hcrm_desktop` elsewhere: no Chinese literal; models, charts and sync say codes and numbers.
* every tracked text file: no address of a package registry and no path of one machine.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHINESE = re.compile(r"[\u3400-\u9fff\uff01-\uff5e]")
TRANSLATORS = {"tr", "translate"}
# Written in pieces, so that this file does not offend itself.
_NAMES = ["pypi" + r"\.org", "files" + r"\.pythonhosted", "registry" + r"\.npmjs", "/wo" + "rk/", "/ro" + "ot/"]
MACHINE = re.compile("|".join(_NAMES))


def chinese_literals(tree: ast.AST) -> Iterator[tuple[ast.Constant, ast.AST | None]]:
    """Each Chinese string literal that is not a docstring, with the call it is a direct argument of."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    parents = {id(child): node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and CHINESE.search(node.value) and id(node) not in docstrings:
            yield node, parents.get(id(node))


def is_translated(parent: ast.AST | None) -> bool:
    return isinstance(parent, ast.Call) and isinstance(parent.func, ast.Attribute) and parent.func.attr in TRANSLATORS


def bad_translations(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls of `tr` whose text is not one plain literal."""
    for node in ast.walk(tree):
        is_tr = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "tr"
        if is_tr and not (node.args and isinstance(node.args[0], ast.Constant)):
            yield node


def check_desktop(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    where = path.relative_to(ROOT)
    in_views = "views" in where.parts
    for literal, parent in chinese_literals(tree):
        if not in_views:
            yield f"{where}:{literal.lineno}: Chinese text outside views/: {literal.value!r}"
        elif not is_translated(parent):
            yield f"{where}:{literal.lineno}: Chinese text outside tr(): {literal.value!r}"
    for call in bad_translations(tree):
        yield f"{where}:{call.lineno}: the text inside tr() must be one plain literal; use .format() after it"


def check_machine(path: Path) -> Iterator[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    for number, line in enumerate(text.splitlines(), 1):
        if found := MACHINE.search(line):
            yield f"{path.relative_to(ROOT)}:{number}: names a machine or a registry: {found.group()!r}"


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def main() -> int:
    problems = [problem for path in sorted((ROOT / "hcrm_desktop").rglob("*.py")) for problem in check_desktop(path)]
    problems += [problem for path in tracked_files() for problem in check_machine(path)]
    print("\n".join(problems) or "text: clean")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
