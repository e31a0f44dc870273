"""Run the cells of every notebook in the orders in which students run them.

    python tools/chaos.py [seed]        store the counts in docs/trust/chaos.json (some minutes)

For every notebook, in a kernel of its own: in order; in order again, without a restart; each cell alone behind the
set-up cell; all cells twice each in random orders. A cell that is run out of order must show what it shows in order,
pictures byte for byte, or stop and say which name is missing or which cell to run first; or it stops because a cell
whose names it reads had stopped itself. Never a wrong picture, never a wrong verdict.
"""

import ast
import json
import queue
import random
import re
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import nbformat
from jupyter_client.manager import start_new_kernel

from lstmlib.show.pictures import WIDGET_VIEW

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "trust" / "chaos.json"
RANDOM_ORDERS = 3
PATIENCE = 300
UNTOUCHED = "%reset -f"
MISSING = re.compile(r"(NameError|UnboundLocalError): |AssertionError: run .* first")


class Kernel:
    """A kernel in the folder of the notebooks, that runs code and says what it shows."""

    def __init__(self):
        self.manager, self.client = start_new_kernel(cwd=str(ROOT / "notebooks"), startup_timeout=PATIENCE)

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def run(self, code):
        """What a cell shows: a list of ("text", ...), ("error", name), or (MIME type, data); text is joined."""
        shown = []
        request = self.client.execute(code)
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=PATIENCE)
            except queue.Empty:
                raise TimeoutError(f"this ran for more than {PATIENCE} s:\n{code}") from None
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                return shown
            if kind == "stream" and shown and shown[-1][0] == content["name"]:
                shown[-1] = (content["name"], shown[-1][1] + content["text"])
            elif kind == "stream":
                shown.append((content["name"], content["text"]))
            elif kind == "error":
                shown.append(("error", f"{content['ename']}: {content['evalue']}"))
            elif kind in ("display_data", "execute_result"):
                shown += sorted((mime, data) for mime, data in content["data"].items() if mime != WIDGET_VIEW)


def try_notebook(path, seed=0):
    """(counts of what was tried and came out, what went wrong)."""
    cells = [(n, cell.source) for n, cell in enumerate(nbformat.read(path, 4).cells)
             if cell.cell_type == "code" and cell.source.strip()]
    (_, set_up), *others = cells
    names = {n: names_of(code) for n, code in cells}
    counts, wrong = Counter(code_cells=len(cells)), []

    stopped = set()  # names that a cell should have made which stopped before its end

    def judge(way, n, shown):
        error = next((value for kind, value in shown if kind == "error"), None)
        made, read = names[n]
        if shown == in_order[n]:
            outcome = "same"
        elif way != "again" and says_what_is_missing(shown):
            outcome = "says what is missing"
        elif way == "mixed" and error and read & stopped:
            outcome = "stops after one that stopped"
        else:
            outcome = "wrong"
            wrong.append((path.stem, way, n, error or difference(shown, in_order[n])))
        counts[f"{way}: {outcome}"] += 1
        (stopped.update if error else stopped.difference_update)(made)

    with closing(Kernel()) as kernel:
        in_order = {n: kernel.run(code) for n, code in cells}
        for n, shown in in_order.items():
            if any(kind == "error" for kind, _ in shown):
                wrong.append((path.stem, "in order", n, shown))
        for n, code in cells:
            judge("again", n, kernel.run(code))
        for n, code in others:
            kernel.run(UNTOUCHED)
            kernel.run(set_up)
            judge("alone", n, kernel.run(code))
        for order in range(RANDOM_ORDERS):
            mixed = 2 * others
            random.Random(f"{path.stem} {seed} {order}").shuffle(mixed)
            kernel.run(UNTOUCHED)
            kernel.run(set_up)
            stopped.clear()
            for n, code in mixed:
                judge("mixed", n, kernel.run(code))
    return counts, wrong


def names_of(code):
    """(names that a cell makes, names that it reads)."""
    tree = ast.parse(code)
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return (defined | {name.id for name in names if isinstance(name.ctx, ast.Store)},
            {name.id for name in names if isinstance(name.ctx, ast.Load)})


def says_what_is_missing(shown):
    """By its error; or by the feedback on an answer that met this error."""
    return any(kind == "error" and MISSING.match(text) or kind == "stdout" and MISSING.search(text)
               for kind, text in shown)


def difference(shown, right):
    """The first output that differs, briefly."""
    for mine, theirs in zip(shown, right):
        if mine != theirs:
            return f"{str(mine)[:200]} instead of {str(theirs)[:200]}"
    return f"{len(shown)} outputs instead of {len(right)}"


def main(arguments):
    seed = int(arguments[0]) if arguments else 0
    table, faults = {}, []
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        counts, wrong = try_notebook(path, seed)
        table[path.stem] = dict(sorted(counts.items()))
        faults += wrong
        print(path.stem, table[path.stem], flush=True)
        for fault in wrong:
            print("   ", *fault, flush=True)
    total = sum(map(Counter, table.values()), Counter())
    STORED.parent.mkdir(parents=True, exist_ok=True)
    STORED.write_text(json.dumps({"seed": seed, "random orders of each notebook": RANDOM_ORDERS, "total": total,
                                  "notebooks": table}, indent=1) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
