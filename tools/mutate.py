"""Mutation testing: change lstmlib in one place at a time, and see whether a test notices.

    python tools/mutate.py [modules]       all mutants of the named modules (of all in scope where none is named)
    python tools/mutate.py --again         only those that survived last time
    python tools/mutate.py --jobs 2        two at a time
    python tools/mutate.py --tests tests/test_cell.py cell      with the tests of these files alone

A mutant is made in memory, from the syntax tree: no file is changed. It runs in a process of its own (a fork: not on
Windows) with the tests that execute the changed line, the quickest first. Where only the inside of functions changes,
they get their new code once the tests are collected; where more does (a constant, a default, a class), the process
imports everything anew. A mutant is killed when a test fails or the time is up. The result is docs/trust/mutation.json:
numbers for each module, and each survivor with the reason why it is equivalent, if it has one ("because"):
reasons are written there by hand and kept from run to run.
"""

import argparse
import ast
import copy
import gc
import importlib
import importlib.util
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs/trust/mutation.json"
PAGE = RESULTS.with_suffix(".md")  # everything under "## Results" is written anew
CORE = ("arguments", "weights", "cell", "sequence", "losses", "placement", "checking", "training", "tasks")
EXERCISES = tuple(f"exercises/{name}" for name in (
    "base", "start_here", "linearity", "lstm_cell", "backward", "where_to_divide", "which_X", "when_order_matters",
    "train_it", "bug_clinic"))
NUMBERS = ("patients", "instruments", "progress", "explorers/laboratory_numbers")
BACKWARD = {"sequence": ("backward", "local_slopes", "crossing"), "cell": ("step_backward",)}
CORE_TESTS = [f"tests/test_{name}.py" for name in (*CORE, "errors", "extremes")]
OTHER_TESTS = ["tests/test_exercises_*.py", "tests/test_explorer*.py", "tests/test_patients.py",
               "tests/test_progress.py"]
EXERCISE_TESTS = ["tests/test_exercises_*.py"]
IMPORTED_BEFORE_THE_FORK = ("pytest", "coverage", "hypothesis", "autograd.numpy", "numpy", "ipywidgets", "anywidget",
                            "matplotlib.figure", "IPython.display", "playwright.sync_api")
COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")  # in a module or a class they run on import
SECONDS, MEMORY = 5, 8 * 2 ** 30  # for a mutant: this, and five times what its tests take without it

ORDERS = {ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
          ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
          ast.In: (ast.NotIn,), ast.NotIn: (ast.In,)}
OPERATIONS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
              ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
              ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr}
OPPOSITES = {"min": "max", "any": "all", "zeros": "ones", "zeros_like": "ones_like", "argmin": "argmax",
             "real": "imag", "add": "subtract", "maximum": "minimum", "tuple": "list"}
OPPOSITES |= {other: one for one, other in OPPOSITES.items() if other != "list"}


# ---- mutants

class Mutant(NamedTuple):
    """One change of one module: the node at `parent.field[index]` becomes `new`."""

    module: str
    function: str
    lines: range  # of the statement
    text: str
    change: str
    parent: ast.AST
    field: str
    index: int | None
    new: ast.AST

    def code(self):
        """The module, compiled with this change."""
        tree, _ = mutants_of(self.module)
        place, key = vars(self.parent), self.field
        if self.index is not None:
            place, key = place[key], self.index
        old, place[key] = place[key], self.new
        try:
            return compile(tree, path_of(self.module), "exec")
        finally:
            place[key] = old


def path_of(module):
    return ROOT / "lstmlib" / f"{module}.py"


@cache
def mutants_of(module):
    """(syntax tree, all mutants of it), always in the same order."""
    source = path_of(module).read_text(encoding="utf-8")
    tree = ast.parse(source)
    return tree, list(inside(tree, module, source.splitlines()))


def inside(parent, module, source, function="", statement=None, telling=False):
    """The mutants of everything under `parent`; telling: inside an error message or a formatted text."""
    for field, value in ast.iter_fields(parent):
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST) or field in ("annotation", "returns") or is_docstring(node):
                continue
            if field == "iter" and module in EXERCISES and is_literal(node):
                continue  # the samples on which an answer is tried: others would do as well
            now = node if isinstance(node, ast.stmt) else statement
            defines = isinstance(node, ast.FunctionDef | ast.ClassDef)
            here = f"{function}.{node.name}".lstrip(".") if defines else function
            tells = telling or isinstance(node, ast.Raise | ast.JoinedStr)
            for new in replacements(node, parent, tells):
                if ast.dump(new) != ast.dump(node):
                    ast.fix_missing_locations(ast.copy_location(new, node))
                    yield Mutant(module, function, lines_of(now), source[node.lineno - 1].strip(), describe(node, new),
                                 parent, field, index, new)
            yield from inside(node, module, source, here, now, tells)


def is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def is_literal(node):
    """Whether the node is a tuple or list that stands there in full, or `enumerate` of one."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "enumerate":
        node = node.args[0]
    return isinstance(node, ast.Tuple | ast.List)


def lines_of(statement):
    """The lines of a simple statement, or of the head of a compound one."""
    last = statement.body[0].lineno - 1 if getattr(statement, "body", None) else statement.end_lineno
    return range(statement.lineno, max(statement.lineno, last) + 1)


def describe(old, new):
    """The change in words: `old -> new`, of a compound statement its head alone."""
    before, after = (ast.unparse(node).partition("\n")[0] if hasattr(node, "body") else ast.unparse(node)
                     for node in (old, new))
    return f"{before}  ->  {'(removed)' if isinstance(new, ast.Pass) else after}"


def replacements(node, parent, telling):
    """Everything that may stand in place of `node`."""
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.Constant(value=float() | complex() as value):
            yield from (ast.Constant(value + 1), ast.Constant(value * 2))
        case ast.Constant(value=str(value)) if value and " " not in value and not telling:  # a key, a name, no message
            yield from (ast.Constant(value[1:]), ast.Constant(value[:-1]))
        case ast.Compare():
            for k, operator in enumerate(node.ops):
                for other in ORDERS[type(operator)]:
                    yield with_fields(node, ops=[*node.ops[:k], other(), *node.ops[k + 1:]])
        case ast.BinOp(op=ast.MatMult()):
            yield with_fields(node, left=node.right, right=node.left)
        case ast.BinOp():
            yield with_fields(node, op=OPERATIONS[type(node.op)]())
            yield from (node.left, node.right)
        case ast.BoolOp():
            yield with_fields(node, op=ast.And() if isinstance(node.op, ast.Or) else ast.Or())
            yield from without_one(node, "values", at_least=2) if len(node.values) > 2 else node.values
        case ast.UnaryOp():
            yield node.operand
        case ast.IfExp():
            yield from (node.body, node.orelse)
        case ast.If():
            yield from (with_fields(node, test=ast.Constant(value)) for value in (True, False))
        case ast.Lambda():
            yield with_fields(node, body=ast.Constant(None))
        case ast.Slice():
            yield from (with_fields(node, **{end: None}) for end in ("lower", "upper", "step") if getattr(node, end))
        case ast.Attribute(attr="T"):
            yield node.value
        case ast.Attribute(attr=name) if name in OPPOSITES:
            yield with_fields(node, attr=OPPOSITES[name])
        case ast.Name(id=name) if name in OPPOSITES and isinstance(parent, ast.Call):
            yield with_fields(node, id=OPPOSITES[name])
        case ast.Call():
            yield from other_calls(node)
        case ast.Tuple() | ast.List() | ast.Set() if not isinstance(getattr(node, "ctx", None), ast.Store):
            if not isinstance(parent, ast.Subscript | ast.Assign | ast.Return | ast.For):
                yield from without_one(node, "elts", at_least=1)
        case ast.ListComp() | ast.GeneratorExp() | ast.SetComp() | ast.DictComp():
            for k, generator in enumerate(node.generators):
                if generator.ifs:
                    every = with_fields(generator, ifs=[])
                    yield with_fields(node, generators=[*node.generators[:k], every, *node.generators[k + 1:]])
        case ast.Return() if node.value is not None:
            yield ast.Return(ast.Constant(None))
        case ast.Expr():
            yield ast.Pass()
        case ast.AugAssign():
            yield ast.Pass()
            yield ast.Assign([node.target], node.value)
            if type(node.op) in OPERATIONS:
                yield with_fields(node, op=OPERATIONS[type(node.op)]())
        case ast.Assign() if may_be_missing(node, parent):
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()
        case ast.FunctionDef() | ast.ClassDef():
            yield from without_one(node, "decorator_list", at_least=0)


def other_calls(node):
    """A call with an argument less, with two neighbours exchanged, or with nothing done to its one argument."""
    yield from without_one(node, "keywords", at_least=0)
    if not any(isinstance(argument, ast.Starred) for argument in node.args):
        if len(node.args) > 1:
            yield with_fields(node, args=node.args[:-1])
        for k in range(len(node.args) - 1):
            exchanged = [*node.args[:k], node.args[k + 1], node.args[k], *node.args[k + 2:]]
            yield with_fields(node, args=exchanged)
        if len(node.args) == 1:
            yield node.args[0]
    if not node.args and isinstance(node.func, ast.Attribute):
        yield node.func.value


def may_be_missing(assignment, parent):
    """Whether the code can do without it: it sets an entry, an attribute, a member, or a name that had a value."""
    target = assignment.targets[0]
    new_value = {name.id for name in ast.walk(assignment.value) if isinstance(name, ast.Name)}
    return (isinstance(parent, ast.ClassDef) or isinstance(target, ast.Subscript | ast.Attribute)
            or isinstance(target, ast.Name) and target.id in new_value)


def with_fields(node, **fields):
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def without_one(node, field, at_least):
    """The node with each item of a list left out in turn."""
    items = getattr(node, field)
    if len(items) > at_least:
        yield from (with_fields(node, **{field: items[:k] + items[k + 1:]}) for k in range(len(items)))


# ---- tests

def pytest_on(files, plugin):
    import hypothesis
    import pytest
    hypothesis.settings.register_profile("mutants", phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
                                         database=None)
    hypothesis.settings.load_profile("mutants")
    return pytest.main(["-p", "no:cacheprovider", "-p", "no:terminal", "--capture=no", "-m", "not browser", *files],
                       plugins=[plugin])


class Loop:
    """A pytest plugin: once all tests are collected, work(session) is done in place of running them."""

    def __init__(self, work):
        self.work = work

    def pytest_runtestloop(self, session):
        if not session.testsfailed:  # by files that could not be collected
            self.work(session)
        return True


def all_pass(session, items):
    """Run these tests until one fails."""
    for item, following in zip(items, [*items[1:], None]):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return False
    return True


def watch(session):
    """Run all tests, unchanged: {"lines": {file: {line: tests}}, "seconds": {test: seconds}}."""
    import coverage
    covered, seconds = coverage.Coverage(data_file=None, include=["*/lstmlib/*"], config_file=False), {}
    covered.start()
    for item in session.items:
        covered.switch_context(item.nodeid)
        started = time.process_time()
        if not all_pass(session, [item]):
            sys.exit(f"The tests must pass before a mutant is tried, but {item.nodeid} fails.")
        seconds[item.nodeid] = time.process_time() - started
    covered.stop()
    data = covered.get_data()
    lines = {}
    for file in data.measured_files():
        lines[str(Path(file).relative_to(ROOT))] = {
            str(line): tests for line, tests in data.contexts_by_lineno(file).items()}
    return {"lines": lines, "seconds": seconds}


def tests_of(mutant, watched):
    """The tests that execute the statement."""
    lines = watched["lines"].get(f"lstmlib/{mutant.module}.py", {})
    return {test for line in mutant.lines for test in lines.get(str(line), ())}


def tests_near(mutant, watched):
    """All tests of every file that uses the module: a test may look at a class or a constant and execute no line."""
    lines = watched["lines"].get(f"lstmlib/{mutant.module}.py", {})
    files = {test.partition("::")[0] for executing in lines.values() for test in executing}
    return {test for test in watched["seconds"] if test.partition("::")[0] in files}


def chosen(session, tests, watched):
    """These tests, the quickest first."""
    return sorted((item for item in session.items if item.nodeid in tests), key=lambda i: watched["seconds"][i.nodeid])


# ---- two ways to bring a mutant to life

class Functions:
    """The functions of lstmlib as they are in memory: those of a mutant can take their place."""

    def __init__(self):
        self.living = {}
        for thing in gc.get_objects():
            if isinstance(thing, FunctionType) and "/lstmlib/" in thing.__code__.co_filename:
                code = thing.__code__
                self.living.setdefault((code.co_filename, code.co_qualname, code.co_firstlineno), []).append(thing)

    def become(self, codes):
        for code in codes:
            for function in self.living.get((code.co_filename, code.co_qualname, code.co_firstlineno), ()):
                if function.__code__.co_freevars == code.co_freevars:  # else its new maker will make it anew
                    function.__code__ = code


def run_on_import(code):
    """(What of a module runs when it is imported, without the insides of its functions; the codes of the functions.)"""
    parts, functions = [code.co_code, code.co_names, code.co_exceptiontable], []
    for constant in code.co_consts:
        if not isinstance(constant, CodeType):
            parts.append(repr(constant))
        elif constant.co_flags & 0x1 and constant.co_name not in COMPREHENSIONS:  # a function
            parts.append((constant.co_qualname, constant.co_firstlineno, constant.co_freevars))
            functions.append(constant)
        else:
            inner, more = run_on_import(constant)
            parts.append(inner)
            functions += more
    return parts, functions


@cache
def unchanged_on_import(module):
    return run_on_import(compile(mutants_of(module)[0], path_of(module), "exec"))[0]


def new_functions(mutant):
    """The functions of the mutant, or None where it is not functions alone that differ."""
    was = unchanged_on_import(mutant.module)
    now, functions = run_on_import(mutant.code())
    where = Counter((code.co_qualname, code.co_firstlineno) for code in functions)
    if was != now or len(where) < len(functions):
        return None
    inner = [code for function in functions for code in inside_of(function)]  # closures that live already
    where = Counter((code.co_qualname, code.co_firstlineno) for code in inner)
    return functions + [code for code in inner if where[code.co_qualname, code.co_firstlineno] == 1]


def inside_of(code):
    """The functions in a function."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from inside_of(constant)


class InPlaceOf:
    """An importer that gives one module other code."""

    def __init__(self, module, code):
        self.name, self.path, self.code = f"lstmlib.{module.replace('/', '.')}", path_of(module), code

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(self.code, module.__dict__)


def survives_in_memory(mutant, tests, watched, session, functions):
    functions.become(new_functions(mutant))
    return all_pass(session, chosen(session, tests, watched))


def survives_import(mutant, tests, watched):
    """The tests of its own file first: most mutants end there, and no other file need be collected."""
    sys.meta_path.insert(0, InPlaceOf(mutant.module, mutant.code()))
    own = {test for test in tests if test.startswith(f"tests/test_{mutant.module.rpartition('/')[2]}.py")}
    return all(passes_alone(some, watched) for some in (own, tests - own) if some)


def passes_alone(tests, watched):
    answer = []
    pytest_on(sorted({test.partition("::")[0] for test in tests}),
              Loop(lambda session: answer.append(all_pass(session, chosen(session, tests, watched)))))
    return answer == [True]


# ---- processes

def in_a_process(work, silent=True):
    """Start work() in a fork of this process: its id. The exit code is 0 where work() is true."""
    process = os.fork()
    if process:
        return process
    code = 70
    try:
        if silent:
            silence = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(silence, stream)
        code = 0 if work() else 1
    finally:
        os._exit(code)


def limited(work, seconds):
    """work(), ended by a signal when it takes far longer than the tests took, or more memory than they need."""
    limit = SECONDS + 5 * int(seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(20 * limit)  # for those who wait for ever
    return work()


def outcomes(numbered, tests_for, watched, jobs, survives):
    """{number: "killed", "timeout" or "survived"} of each (number, mutant)."""
    waiting, running, ended = list(numbered)[::-1], {}, {}
    while waiting or running:
        while waiting and len(running) < jobs:
            number, mutant = waiting.pop()
            tests = tests_for(mutant, watched)
            seconds = sum(watched["seconds"][test] for test in tests)
            running[in_a_process(lambda: limited(lambda: survives(mutant, tests, watched), seconds))] = number
        process, status = os.wait()
        late = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGXCPU)
        ended[running.pop(process)] = "timeout" if late else "survived" if status == 0 else "killed"
    return ended


def answer_of(work, folder):
    """What work() returns in a process of its own."""
    answer = Path(folder) / "answer.json"
    _, status = os.waitpid(in_a_process(lambda: answer.write_text(json.dumps(work())), silent=False), 0)
    if status != 0:
        sys.exit("The tests must pass before a mutant is tried.")
    return json.loads(answer.read_text())


def try_in_memory(patterns, numbered, watched, jobs, folder):
    """What the tests execute, and the outcomes of the mutants that differ in functions alone."""
    files = sorted(str(path.relative_to(ROOT)) for pattern in patterns for path in ROOT.glob(pattern))
    answer = {}

    def work(session):
        answer["watched"] = watched or answer_of(lambda: watch(session), folder)
        functions = Functions()
        gc.freeze()

        def survives(*about):
            return survives_in_memory(*about, session, functions)

        quick = [(n, mutant) for n, mutant in numbered if new_functions(mutant) is not None]
        answer["ended"] = outcomes(quick, tests_of, answer["watched"], jobs, survives)

    if pytest_on(files, Loop(work)) or "ended" not in answer:
        sys.exit("The tests could not be collected: run pytest on " + " ".join(files))
    return answer


# ---- results

def stored():
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {"modules": {}, "survivors": []}


def store(results):
    """One line for each module and for each survivor."""
    modules = ",\n".join(f"  {json.dumps(name)}: {json.dumps(counts)}" for name, counts in results["modules"].items())
    survivors = ",\n".join("  " + json.dumps(survivor) for survivor in results["survivors"])
    page = PAGE.read_text(encoding="utf-8").partition("## Results")[0]
    PAGE.write_text(page + report(results), encoding="utf-8")
    RESULTS.write_text(f'{{"modules": {{\n{modules}\n}},\n"survivors": [\n{survivors}\n]}}\n', encoding="utf-8")


def report(results):
    """The results as a page: a row for each module, then the reasons."""
    rows = {name: results["modules"][name] for name in (*CORE, *NUMBERS, *EXERCISES) if name in results["modules"]}
    groups = {"the core": [name for name in rows if name in CORE], "all": list(rows)}
    totals = {f"**{group}**": Counter() for group in groups}
    for group, names in groups.items():
        for name in names:
            totals[f"**{group}**"].update(rows[name])
    lines = ["## Results", "", "| module | mutants | killed | of these by time | equivalent | survived | noticed |",
             "|---|---|---|---|---|---|---|"]
    for name, found in (rows | totals).items():
        killed = found["killed"] + found["timeout"]
        noticed = killed / (found["mutants"] - found["equivalent"])
        lines.append(f"| {name} | {found['mutants']} | {killed} | {found['timeout']} | {found['equivalent']} | "
                     f"{found['survived']} | {100 * noticed:.1f}% |")
    lines += ["", "Noticed: killed, of those that are not equivalent.", "", "### Equivalent, and why", ""]
    for name in rows:
        reasons = {}
        for survivor in results["survivors"]:
            if survivor["module"] == name and "because" in survivor:
                change = f"`{survivor['change']}` in `{survivor['function'] or 'the module'}`"
                reasons.setdefault(survivor["because"], []).append(change)
        if reasons:
            lines += [f"**{name}**", ""]
            lines += [f"- {'; '.join(dict.fromkeys(changes))}: {because}" for because, changes in reasons.items()]
            lines.append("")
    return "\n".join(lines)


def put_down(module, mutants, ended, results, again):
    """Counts and survivors of one module; a reason given before is kept."""
    reasons = {}  # two changes of a line may read alike: each needs a reason of its own
    for survivor in results["survivors"]:
        if "because" in survivor:
            reasons.setdefault(known_as(survivor), []).append(survivor["because"])
    survivors = [{"module": module, "function": mutant.function, "line": mutant.text, "change": mutant.change}
                 for number, mutant in enumerate(mutants) if ended.get(number) == "survived"]
    for survivor in survivors:
        if reasons.get(known_as(survivor)):
            survivor["because"] = reasons[known_as(survivor)].pop(0)
    late = sum(outcome == "timeout" for outcome in ended.values())
    late += results["modules"].get(module, {}).get("timeout", 0) if again else 0
    equivalent = sum("because" in survivor for survivor in survivors)
    results["survivors"] = [s for s in results["survivors"] if s["module"] != module] + survivors
    results["modules"][module] = {
        "mutants": len(mutants), "killed": len(mutants) - len(survivors) - late, "timeout": late,
        "equivalent": equivalent, "survived": len(survivors) - equivalent}


def known_as(survivor):
    return survivor["module"], survivor["function"], survivor["line"], survivor["change"]


def try_module(module, patterns, watched, options, folder):
    """Try its mutants and store what became of them; returns what the tests execute, for the next module."""
    last_time = {known_as(survivor) for survivor in stored()["survivors"]}
    mutants = mutants_of(module)[1]
    numbered = [(n, m) for n, m in enumerate(mutants)
                if not options.again or (m.module, m.function, m.text, m.change) in last_time]
    answer = answer_of(lambda: try_in_memory(patterns, numbered, watched, options.jobs, folder), folder)
    ended = {int(number): outcome for number, outcome in answer["ended"].items()}
    fresh = [(n, mutant) for n, mutant in numbered if n not in ended]
    ended |= outcomes(fresh, tests_near, answer["watched"], options.jobs, survives_import)
    results = stored()
    put_down(module, mutants, ended, results, options.again)
    store(results)
    print(time.strftime("%H:%M:%S"), module, results["modules"][module], flush=True)
    return answer["watched"]


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", help="such as sequence or exercises/base")
    parser.add_argument("--again", action="store_true", help="only the mutants that survived last time")
    parser.add_argument("--tests", action="append", metavar="FILES", help="instead of those that belong to the modules")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    options = parser.parse_args(arguments)
    modules = options.modules or [*CORE, *NUMBERS, *EXERCISES]
    os.chdir(ROOT)
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    with tempfile.TemporaryDirectory() as folder:
        sys.pycache_prefix = folder
        for name in IMPORTED_BEFORE_THE_FORK:
            importlib.import_module(name)
        for patterns, some in ((CORE_TESTS, CORE), (CORE_TESTS + OTHER_TESTS, NUMBERS), (EXERCISE_TESTS, EXERCISES)):
            watched = None
            for module in some:
                if module in modules:
                    watched = try_module(module, options.tests or patterns, watched, options, folder)
    return any(stored()["modules"][module]["survived"] for module in modules)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
