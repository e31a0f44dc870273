"""Table 7 of Hochreiter & Schmidhuber (1997), the adding problem, with several seeds; raw results as JSON.

    python benchmarks/adding_problem.py                             every run that is not stored yet
    python benchmarks/adding_problem.py --lengths 100 --seeds 0 1   some of them

Notebook 7 shows the table. Each run is stored as soon as it is finished, so the script may be stopped and started
again. A run at T = 100 takes some ten seconds, at T = 500 about a minute, at T = 1000 several minutes on one core.

The rule is the paper's: training ends when the mean squared training error is below 0.01 *and* the 2,000 most recent
training sequences were all right (absolute error below 0.04). Each is judged before it is learned from. Then 2,560 new
sequences are tested. The same run goes on until a stricter rule holds, 5,000 right in a row, and is tested once more
on the same 2,560. A run that has not met a rule after `LIMIT` sequences is stored as such, and counts.
"""

import argparse
import json
import os
import time
from collections import deque
from itertools import count
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # these matrices are small: a second thread would only wait

import numpy as np

import lstmlib
from lstmlib import Weights, adam, adding_problem, backward, clip_by_norm, forward, squared_error, train

HERE = Path(__file__).resolve().parent
RECENT, STRICTER, TESTED, RIGHT, ENOUGH = 2_000, 5_000, 2_560, 0.04, 0.01
LIMIT = 200_000
COMMON = {"H": 8, "B": 8, "rate": 0.01, "clip": 1.0, "spread": 0.1}
RECIPES = {100: COMMON | {"forget_bias": 6.0, "input_bias": -3.0, "halve_after": 15_000},
           500: COMMON | {"forget_bias": 8.0, "input_bias": -4.0, "halve_after": 15_000},
           1000: COMMON | {"forget_bias": 9.0, "input_bias": -4.0, "halve_after": 20_000}}


def initial_weights(H, spread, forget_bias, input_bias, rng):
    """All weights uniform in +-spread; then the forget gates are biased open and the input gates closed."""
    shapes = (2, 4 * H), (H, 4 * H), (4 * H,), (H, 1), (1,)
    Wx, Wh, b, Wy, by = (rng.uniform(-spread, spread, shape) for shape in shapes)
    b[:H] += input_bias
    b[H:2 * H] += forget_bias
    return Weights(Wx, Wh, b, Wy, by)


def run_to_the_rules(T, seed, H, B, rate, clip, spread, forget_bias, input_bias, halve_after):
    """Train until both rules are met or LIMIT sequences are used up.

    ->  {"paper": (sequences used, weights), "stricter": (sequences used, weights)}, without a rule that was not met
    """
    def gradient(weights, batch):
        X, targets, mask = batch
        trace = forward(weights, X)
        _, dY = squared_error(trace.Y, targets, mask)
        return np.abs(dY[mask][:, 0]), clip_by_norm(backward(weights, trace, dY) / B, clip)

    weights = initial_weights(H, spread, forget_bias, input_bias, np.random.default_rng([seed, 0]))
    rng = np.random.default_rng([seed, T])
    batches = (adding_problem(T, B, rng) for _ in range(LIMIT // B))
    steps = train(weights, batches, gradient, adam, rate=lambda n: rate * 0.5 ** ((n + 1) * B // halve_after))
    recent, in_a_row, met = deque(maxlen=RECENT), 0, {}
    for seen, (errors, moved) in zip(count(B, B), steps):
        recent.extend(errors)
        for error in errors:
            in_a_row = in_a_row + 1 if error < RIGHT else 0
        if "paper" not in met and met_rule(recent):
            met["paper"] = seen, weights
        if "paper" in met and in_a_row >= STRICTER:
            met["stricter"] = seen, weights
            break
        weights = moved
    return met


def met_rule(errors):
    """The paper's rule, for the absolute errors of the most recent training sequences (a deque of fixed length)."""
    return bool(len(errors) == errors.maxlen and max(errors) < RIGHT and np.mean(np.square(errors)) < ENOUGH)


def errors_on_new(weights, T, rng):
    """Absolute errors on TESTED new sequences, 128 at a time, which saves memory."""
    batches = (adding_problem(T, 128, rng) for _ in range(TESTED // 128))
    return np.concatenate([np.abs(forward(weights, X).Y - targets)[mask] for X, targets, mask in batches])


def run(T, seed, recipe):
    """One run, as the record that is stored; sequences and wrong are None for a rule that was not met."""
    start = time.process_time()
    record = {"T": T, "seed": seed, "recipe": recipe}
    met = run_to_the_rules(T, seed, **recipe)
    for rule in ("paper", "stricter"):
        record[rule] = {"sequences": None, "wrong": None, "largest_error": None}
        if rule in met:
            sequences, weights = met[rule]
            errors = errors_on_new(weights, T, np.random.default_rng([seed, T, 1]))
            record[rule] = {"sequences": sequences, "wrong": int(np.sum(errors >= RIGHT)),
                            "largest_error": round(float(errors.max()), 4)}
    return record | {"cpu_seconds": round(time.process_time() - start, 1), "numpy": np.__version__,
                     "lstmlib": lstmlib.__version__}


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


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", type=int, nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--output", type=Path, default=HERE / "adding_problem.json")
    options = parser.parse_args(arguments)
    runs = load(options.output)
    for T, seed in missing(runs, options.lengths, options.seeds):
        print(f"T = {T}, seed {seed} ...", flush=True)
        runs = [record for record in runs if (record["T"], record["seed"]) != (T, seed)] + [run(T, seed, RECIPES[T])]
        save(options.output, runs)
        print("   ", {key: runs[-1][key] for key in ("paper", "stricter", "cpu_seconds")}, flush=True)


if __name__ == "__main__":
    main()
