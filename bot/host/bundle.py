"""Makes one file of the helper's modules, for a host where nothing of the bot is installed.

The modules are put one after the other, each after those that it imports, with their imports of each other left out.
So they share one name space, and no two may define the same name.
"""

from __future__ import annotations

import ast
import hashlib
from importlib import resources

_PACKAGE = "bot.host.helper"
_FIRST = "program"
#: A shell sees a command, Python a string. Python compiles anew what it is given to run, which takes longer than most
#: requests; a module's compiled form is kept.
_HEAD = r"""#!/bin/sh
''':'
exec /usr/bin/python3 -I -S -c '
import sys, importlib.machinery, importlib.util
sys.dont_write_bytecode = True
del sys.argv[0]
loader = importlib.machinery.SourceFileLoader("step", sys.argv[0])
step = importlib.util.module_from_spec(importlib.util.spec_from_loader("step", loader))
loader.exec_module(step)
sys.exit(step.main(sys.argv[1:]))
' "$0" "$@"

The bot's helper on this host: root's only door for it. One JSON request on stdin, one JSON answer on stdout.

It knows only the steps and questions below, checks every field itself, and runs no command line that came from outside.
Installed by the host's administrator; made from the bot's own modules, so edit those and not this file.

The lines above start it by its compiled form, which install.sh puts beside it, in __pycache__: that is valid only for
exactly this text and this version of Python, and without it the text is compiled at each start.
'''
"""
_TAIL = """

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


class BundleError(Exception):
    """The modules can't share one file."""


def bundle() -> str:
    """The helper as one file's text."""
    order: list[str] = []
    _visit(_FIRST, order, ())
    imports: set[str] = set()
    parts: list[str] = []
    defined: dict[str, str] = {}
    for name in order:
        source = _source(name)
        tree = ast.parse(source)
        for defining in _defined(tree):
            if defined.setdefault(defining, name) != name:
                raise BundleError(f"{defining} is defined in {defined[defining]} and in {name}")
        parts.append(_body(name, source, tree, imports))
    plain = sorted(one for one in imports if one.startswith("import "))
    froms = sorted(one for one in imports if one.startswith("from ") and "__future__" not in one)
    head = "\n".join([_HEAD, "from __future__ import annotations", "", *plain, *froms, ""])
    return head + "".join(parts) + _TAIL


def digest(text: str) -> str:
    """The checksum that `Hello.sha256` tells of a helper with this text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _source(name: str) -> str:
    return (resources.files(_PACKAGE) / f"{name}.py").read_text(encoding="utf-8")


def _visit(name: str, order: list[str], above: tuple[str, ...]) -> None:
    if name in above:
        raise BundleError(f"modules import each other: {' → '.join([*above, name])}")
    if name in order:
        return
    for node in ast.parse(_source(name)).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_PACKAGE + "."):
            _visit(str(node.module).rpartition(".")[2], order, (*above, name))
    order.append(name)


def _defined(tree: ast.Module) -> list[str]:
    found: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.extend(one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name))
    return found


def _body(name: str, source: str, tree: ast.Module, imports: set[str]) -> str:
    """A module's text without its imports, which are collected; its docstring becomes a comment."""
    lines = source.splitlines()
    left_out: set[int] = set()
    for index, node in enumerate(tree.body):
        docstring = index == 0 and isinstance(node, ast.Expr)
        if not docstring and not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        left_out.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_PACKAGE):
            if any(one.asname for one in node.names):
                raise BundleError(f"{name} gives another name to what it imports")
        elif isinstance(node, ast.ImportFrom):
            imports.update(f"from {node.module} import {one.name}" for one in node.names)
        elif isinstance(node, ast.Import):
            imports.update(f"import {one.name}" for one in node.names)
    kept = "\n".join(line for number, line in enumerate(lines, 1) if number not in left_out).strip("\n")
    told = "\n".join(f"# {line}".rstrip() for line in (ast.get_docstring(tree) or "").splitlines())
    return f"\n\n# {'-' * 20} {name}\n{told}\n\n\n{kept}\n"
