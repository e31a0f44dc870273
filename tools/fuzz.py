"""Hostile input: call every public function with what a student, or chance, may hand it, and judge what comes back.

    python tools/fuzz.py [--cases N] [--seed S] [--only NAME] [--store FILE]

Each case must return the right result (compared with `fuzzing.reference`, in the right dtype and shape), or raise a
TypeError or ValueError that names an argument at fault. It must change no argument, give no warning, and end.
What may be infinite or NaN, and when, is what the docstrings say: a result that is too large for its dtype.
Prints a summary and stores it in docs/trust/fuzzing.json; prints every failure in its shortest form (hypothesis
shrinks it).

The outcomes: "right"; "raised", as documented; "loose": right in form, and as finite as documented, but so
ill-conditioned or large that there is no value to compare with. Every other outcome is a failure.
"""

import argparse
import datetime
import json
import platform
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import hypothesis  # noqa: E402
import numpy as np  # noqa: E402
from fuzzing.cases import TARGETS  # noqa: E402
from fuzzing.judge import KINDS, Failure, judge  # noqa: E402
from fuzzing.values import pandas, shown  # noqa: E402
from hypothesis import HealthCheck, Phase, settings  # noqa: E402

PHASES = Phase.generate, Phase.shrink
STORED = ROOT / "docs" / "trust" / "fuzzing.json"


def run(name, cases, seed):
    """Counter of the outcomes of so many cases of one target, and the words of the failure, if any."""
    strategy, tally, words = TARGETS[name][0](), Counter(), None
    while sum(tally.values()) < cases:
        left = cases - sum(tally.values())

        @hypothesis.seed(seed)
        @settings(max_examples=left, database=None, deadline=None, phases=PHASES,
                  suppress_health_check=list(HealthCheck), report_multiple_bugs=False)
        @hypothesis.given(strategy)
        def every_case(case):
            try:
                tally[judge(case)] += 1
            except Failure as failure:
                tally[failure.kind] += 1
                inputs = "".join(f"\n    {key} = {shown(value)}" for key, value in case.inputs.items())
                failure.words = f"{failure}{inputs}"
                raise

        try:
            every_case()
        except Failure as failure:
            words = failure.words
            break
        seed += 1
    return tally, words


def summary(cases=12_000, seed=0, only=None):
    """All targets: a report to print and to store."""
    names = [name for name in TARGETS if only is None or only in name]
    shares = sum(TARGETS[name][1] for name in names)
    started, functions, failures = time.perf_counter(), {}, {}
    for name in names:
        tally, words = run(name, -(-cases * TARGETS[name][1] // shares), seed)
        functions[name] = {"cases": sum(tally.values()), **{key: tally[key] for key in ("right", "loose", "raised")}}
        if words:
            failures[name] = words
            functions[name] |= {kind: tally[kind] for kind in KINDS if tally[kind]}
    total = Counter()
    for counts in functions.values():
        total.update(counts)
    return {
        "date": datetime.date.today().isoformat(), "python": platform.python_version(), "numpy": np.__version__,
        "hypothesis": hypothesis.__version__, "pandas": pandas and pandas.__version__, "seed": seed,
        "cases": total["cases"], "outcomes": {key: total[key] for key in ("right", "loose", "raised", *KINDS)},
        "functions": functions, "failures": failures, "seconds": round(time.perf_counter() - started, 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="only the targets with this in their names; nothing is stored")
    parser.add_argument("--store", type=Path, default=STORED, help="where to store the summary, as JSON")
    chosen = parser.parse_args()
    if not any((chosen.only or "") in name for name in TARGETS):
        parser.error(f"--only {chosen.only}: in no name; the targets are {'; '.join(TARGETS)}")
    found = summary(chosen.cases, chosen.seed, chosen.only)
    text = json.dumps(found, indent=1)
    print(text)
    for name, words in found["failures"].items():
        print(f"\nFAILED {name}\n  {words}")
    if not chosen.only:
        chosen.store.write_text(text + "\n")
    return bool(found["failures"])


if __name__ == "__main__":
    sys.exit(main())
