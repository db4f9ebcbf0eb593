"""Code blocks of Markdown pages, run as a reader would.

A page of the site is one session in an empty folder: its blocks run in order, `python` in one
namespace, `sh` by bash with `jaxdiode` and `python` on the path; a block with a title is written
to that file (a `python` one is run, too; a `py` one is a script that an `sh` block runs). A `text`
block that follows one of them is what it prints. Blocks of kind `console` are typed elsewhere
(installation, job queues).

python -m tests.snippets PAGE [...] writes what blocks print into the pages.
"""

import ast
import builtins
import contextlib
import doctest
import io
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.M | re.S)
_HOW = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block: its kind, title and code, how many lines are above, where the code is."""

    kind: str
    title: str | None
    code: str
    above: int
    span: tuple[int, int]


def blocks_of(text: str) -> list[Block]:
    return [
        Block(
            found[1],
            title[1] if (title := re.search(r'title="([^"]+)"', found[2])) else None,
            found[3],
            text[: found.start(3)].count("\n"),
            found.span(3),
        )
        for found in _FENCE.finditer(text)
    ]


def names_of(code: str) -> tuple[set[str], set[str], list[str]]:
    """(names used, names given, lines of imports and settings of JAX) anywhere in the code."""
    nodes = list(ast.walk(ast.parse(code)))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    used = {node.id for node in names if isinstance(node.ctx, ast.Load)} - set(dir(builtins))
    given = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    given |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    given |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    given |= {name.asname or name.name for node in imports for name in node.names}
    settings = [node for node in nodes if isinstance(node, ast.Expr)]
    settings = [line for node in settings if (line := ast.unparse(node)).startswith("jax.config.")]
    return used, given, [*map(ast.unparse, imports), *settings]


def environment(folder: Path) -> dict[str, str]:
    """For commands of a page: `jaxdiode` is this checkout's, figures need no screen."""
    for name, options in (("jaxdiode", "-m jaxdiode "), ("python", "")):
        command = folder / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" {options}"$@"\n')
        command.chmod(0o755)
    return os.environ | {
        "MPLBACKEND": "agg",
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
    }


def _python(block: Block, names: dict, page: str) -> str:
    """What the code prints; its lines are numbered as the page's."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile("\n" * block.above + block.code, page, "exec"), names)
    return printed.getvalue()


def _shell(block: Block, where: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-e", "-c", block.code], env=where, capture_output=True, text=True, timeout=300
    )
    if done.returncode:
        raise RuntimeError(f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def run(page: Path) -> list[tuple[Block, str]]:
    """[(block, what it printed)], in the working folder."""
    names: dict = {"__name__": "__main__"}
    done = []
    with tempfile.TemporaryDirectory() as folder:
        where = environment(Path(folder))
        for block in blocks_of(page.read_text(encoding="utf-8")):
            if block.title:
                Path(block.title).write_text(block.code, encoding="utf-8")
            began = time.process_time()
            if block.kind == "python":
                done.append((block, _python(block, names, page.name)))
            elif block.kind == "sh":
                done.append((block, _shell(block, where)))
            if (spent := time.process_time() - began) > 5:
                print(f"{page.name}, line {block.above}: {spent:.0f} s", file=sys.stderr)
    return done


def expected(page: Path) -> dict[int, Block]:
    """{line of a block: the `text` block that follows it directly}."""
    text = page.read_text(encoding="utf-8")
    blocks = blocks_of(text)
    return {
        block.above: after
        for block, after in itertools.pairwise(blocks)
        if block.kind in ("python", "sh")
        and after.kind == "text"
        and not text[block.span[1] + 3 : text.rfind("```", 0, after.span[0])].strip()
    }


def check(page: Path) -> str:
    """What does not hold on the page, or nothing."""
    outputs, wrong = expected(page), []
    for block, printed in run(page):
        wanted = outputs.get(block.above)
        if wanted and not doctest.OutputChecker().check_output(wanted.code, printed, _HOW):
            wrong.append(f"{page.name}, line {wanted.above}:\n{wanted.code}printed\n{printed}")
    return "\n".join(wrong)


def fill(page: Path) -> None:
    """Write what blocks print into the `text` blocks after them."""
    outputs = expected(page)
    text = page.read_text(encoding="utf-8")
    for block, printed in reversed(run(page)):
        if block.above in outputs:
            start, end = outputs[block.above].span
            lines = [line.rstrip() for line in printed.strip("\n").splitlines()]
            text = text[:start] + "".join(line + "\n" for line in lines) + text[end:]
    page.write_text(text, encoding="utf-8")


def main() -> None:
    asked = sys.argv[1:]
    act, pages = (check, asked[1:]) if asked[:1] == ["--check"] else (fill, asked)
    failed = False
    for page in [Path(name).resolve() for name in pages]:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            try:
                wrong = act(page)
            except Exception:
                wrong = f"{page.name}: {traceback.format_exc()}"
        if wrong:
            failed = True
            print(wrong, file=sys.stderr)
    sys.exit(failed)


if __name__ == "__main__":
    main()
