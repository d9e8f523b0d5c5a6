"""What the core offers says what it means: every public function, method and class has a docstring."""

import ast
from collections.abc import Iterator
from pathlib import Path

CORE = Path(__file__).parent.parent.parent / "hcrm_core"
Documented = ast.FunctionDef | ast.ClassDef


def undocumented(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if ast.get_docstring(tree) is None and tree.body:
        yield path.name
    for node in tree.body:
        if isinstance(node, Documented) and not node.name.startswith("_") and ast.get_docstring(node) is None:
            yield f"{path.relative_to(CORE)}:{node.lineno} {node.name}"


def test_everything_public_in_the_core_has_a_docstring() -> None:
    assert [name for path in sorted(CORE.rglob("*.py")) for name in undocumented(path)] == []
