"""Table 7 of Hochreiter & Schmidhuber (1997), the adding problem, with several seeds; raw results as JSON.

    python benchmarks/adding_problem.py                             every run that is not stored yet, then the table
    python benchmarks/adding_problem.py --lengths 100 --seeds 0 1   some of them
    python benchmarks/adding_problem.py --table                     the table alone

Each run is stored as soon as it is finished, so the script may be stopped and started again. A run at T = 100 takes
some ten seconds, at T = 500 about a minute, at T = 1000 several minutes on one core.

The rule is the paper's: training ends when the mean squared training error is below 0.01 *and* the 2,000 most
recent training sequences were all right (absolute error below 0.04); both are measured before each update, on sequences that
were never seen. Then 2,560 new sequences are tested. A run that has not met the rule after `LIMIT` sequences is stored
as such, and counts.
"""

import argparse
import json
import os
import statistics
import time
from collections import deque
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # these matrices are small: a second thread would only wait

import numpy as np

import lstmlib
from lstmlib import Weights, adam, adding_problem, backward, clip_by_norm, forward, squared_error

HERE = Path(__file__).resolve().parent
PAPER = {100: (74_000, 1), 500: (209_000, 0), 1000: (853_000, 1)}  # T: (training sequences, wrong of 2,560)
RECENT, TESTED, RIGHT, ENOUGH = 2_000, 2_560, 0.04, 0.01
LIMIT = 200_000
COMMON = {"H": 8, "B": 8, "rate": 0.01, "clip": 1.0, "spread": 0.1}
RECIPES = {
    100: COMMON | {"forget_bias": 6.0, "input_bias": -3.0, "halve_after": 15_000},
    500: COMMON | {"forget_bias": 8.0, "input_bias": -4.0, "halve_after": 15_000},
    1000: COMMON | {"forget_bias": 9.0, "input_bias": -4.0, "halve_after": 20_000},
}


def initial_weights(H, spread, forget_bias, input_bias, rng):
    """All weights uniform in +-spread; then the forget gates are biased open and the input gates closed."""
    Wx, Wh, b, Wy, by = (rng.uniform(-spread, spread, shape) for shape in ((2, 4 * H), (H, 4 * H), (4 * H,), (H, 1), (1,)))
    b[:H] += input_bias
    b[H:2 * H] += forget_bias
    return Weights(Wx, Wh, b, Wy, by)


def train(T, seed, H, B, rate, clip, spread, forget_bias, input_bias, halve_after, limit=LIMIT, recent=RECENT):
    """Train until the paper's rule is met or `limit` sequences are used up.

    ->  weights, a record of the run: sequences used, whether the rule was met, mean squared error and number wrong
        of the most recent training sequences
    """
    weights = initial_weights(H, spread, forget_bias, input_bias, np.random.default_rng([seed, 0]))
    rng, state, errors = np.random.default_rng([seed, T]), None, deque(maxlen=recent)
    for seen in range(B, limit + 1, B):
        X, targets, mask = adding_problem(T, B, rng)
        trace = forward(weights, X)
        _, dY = squared_error(trace.Y, targets, mask)
        errors.extend(np.abs(dY[mask][:, 0]))
        if met_rule(errors):
            break
        gradient = clip_by_norm(backward(weights, trace, dY) / B, clip)
        weights, state = adam(weights, gradient, state, rate=rate * 0.5 ** (seen // halve_after))
    return weights, {"sequences": seen, "met": met_rule(errors), "mse": float(np.mean(np.square(errors))),
                     "wrong_of_recent": int(np.sum(np.array(errors) >= RIGHT))}


def met_rule(errors):
    """The paper's rule, for the absolute errors of the most recent training sequences (a deque of fixed length)."""
    return len(errors) == errors.maxlen and max(errors) < RIGHT and bool(np.mean(np.square(errors)) < ENOUGH)


def test_errors(weights, T, rng, tested=TESTED, at_once=128):
    """Absolute errors on `tested` new sequences, some at a time, which saves memory."""
    errors = []
    for _ in range(tested // at_once):
        X, targets, mask = adding_problem(T, at_once, rng)
        errors.append(np.abs(forward(weights, X).Y - targets)[mask][:, 0])
    return np.concatenate(errors)


def run(T, seed, recipe):
    """One run, as the record that is stored."""
    start = time.process_time()
    weights, record = train(T, seed, **recipe)
    errors = test_errors(weights, T, np.random.default_rng([seed, T, 1]))
    size = sum(array.size for _, array in weights.items())
    return {"T": T, "seed": seed, "recipe": recipe, "weights": size} | record | {
        "wrong": int(np.sum(errors >= RIGHT)), "tested": len(errors), "largest_test_error": round(float(errors.max()), 4),
        "cpu_seconds": round(time.process_time() - start, 1), "numpy": np.__version__, "lstmlib": lstmlib.__version__}


def load(path):
    """The stored runs, none where there is no file."""
    return json.loads(path.read_text(encoding="utf-8"))["runs"] if path.exists() else []


def save(path, runs):
    """Store all runs, in order, one to a line; the old file is replaced only by a whole new one."""
    lines = ",\n".join(json.dumps(record) for record in sorted(runs, key=lambda record: (record["T"], record["seed"])))
    whole = path.with_suffix(".part")
    whole.write_text(f'{{"runs": [\n{lines}\n]}}\n', encoding="utf-8")
    whole.replace(path)


def missing(runs, lengths, seeds):
    """The (T, seed) that no stored run with the present recipe answers, seeds in the outer loop."""
    done = {(record["T"], record["seed"]) for record in runs if record["recipe"] == RECIPES[record["T"]]}
    return [(T, seed) for seed in seeds for T in lengths if (T, seed) not in done]


def table(runs):
    """The table as text: for each T the paper's numbers and ours, median and range over the seeds."""
    lines = ["   T   paper: sequences, wrong   here: seeds  met  sequences (lowest to highest)   wrong (each seed)"]
    for T, (sequences, wrong) in PAPER.items():
        ours = [record for record in runs if record["T"] == T]
        if ours:
            used = [record["sequences"] for record in ours]
            spread = f"{statistics.median(used):,.0f} ({min(used):,} to {max(used):,})"
            lines.append(f"{T:4}  {sequences:16,}{wrong:7}  {len(ours):12}{sum(record['met'] for record in ours):6}  "
                         f"{spread:>30}   {' '.join(str(record['wrong']) for record in ours)}")
    return "\n".join(lines)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", type=int, nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    parser.add_argument("--output", type=Path, default=HERE / "adding_problem.json")
    parser.add_argument("--table", action="store_true", help="show the table of the stored runs, run nothing")
    options = parser.parse_args(arguments)
    runs = load(options.output)
    for T, seed in [] if options.table else missing(runs, options.lengths, options.seeds):
        print(f"T = {T}, seed {seed} ...", flush=True)
        runs = [record for record in runs if (record["T"], record["seed"]) != (T, seed)] + [run(T, seed, RECIPES[T])]
        save(options.output, runs)
        print("   ", {key: runs[-1][key] for key in ("met", "sequences", "wrong", "cpu_seconds")}, flush=True)
    print(table(runs))


if __name__ == "__main__":
    main()
