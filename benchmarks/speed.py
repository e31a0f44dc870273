"""Measure how fast lstmlib is, beside its peers, and write the numbers as JSON.

    python benchmarks/speed.py [--output benchmarks/speed.json] [--rounds 9]
    python benchmarks/speed.py --also PYTHON    # adds the race under another Python, whose torch is another

Needs about fifteen minutes on a machine that does little else. All contestants take turns within each round, and
ratios are formed within the round, so that a change of the processor's speed strikes all of them. README.md in this
folder says what is measured.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import tracemalloc
from importlib.metadata import version
from itertools import product
from pathlib import Path
from timeit import timeit

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # before anything imports numpy
    os.environ.setdefault(variable, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import bench  # noqa: E402
import contestants  # noqa: E402
import numpy as np  # noqa: E402

import lstmlib  # noqa: E402

SIZES = [(10, 4, 3, 8), (50, 16, 10, 32), (100, 32, 32, 64),
         (100, 64, 64, 128), (200, 64, 128, 256), (100, 128, 256, 512)]
K = 1
AT_LEAST = 0.02  # seconds in every round: short runs are repeated
# With these glibc takes memory from its own heap and gives none back: repeated calls touch no new page.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "4294967296"}
LEADERS = ["lstmlib", "torch.nn.LSTM", "JAX jit/scan"]  # raced in other processes too


def problem(T, B, D, H, dtype="float64"):
    """weights, X and dY."""
    rng = np.random.default_rng(0)
    X, dY = (rng.standard_normal((T, B, n)).astype(dtype) for n in (D, K))
    return lstmlib.init_weights(D, H, K, dtype=dtype), X, dY


def take_turns(runs, rounds):
    """{name: seconds of one run, as the mean of several, in every round}, each of which begins with another one."""
    def seconds(name, times=1):
        return timeit(runs[name], "gc.enable()", time.process_time, times) / times

    names = list(runs)
    for name in names:
        seconds(name)
    times = {name: max(1, round(AT_LEAST / max(seconds(name), 1e-6))) for name in names}
    measured = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            measured[name].append(seconds(name, times[name]))
    return measured


def summary(measured, reference):
    """For each name: the median in seconds; median and quartiles of its ratio to the reference within each round."""
    result = {}
    for name, values in measured.items():
        low, ratio, high = map(rounded, np.percentile(np.divide(values, measured[reference]), [25, 50, 75]))
        result[name] = {"seconds": rounded(np.median(values)), "ratio": ratio, "quartiles": [low, high]}
    return result


def rounded(number):
    return float(f"{number:.4g}")


def race(size, dtype, rounds, names):
    """Forward + backward of every contestant and of the floor; raises where their gradients disagree."""
    weights, X, dY = problem(*size, dtype)
    truth = contestants.ours(weights, X, dY)[0]()
    runs, building = {}, {}
    for name in names:
        start = time.process_time()
        runs[name], gradients = contestants.CONTESTANTS[name](weights, X, dY)
        building[name] = rounded(time.process_time() - start)
        error = lstmlib.relative_error(gradients(runs[name]()), truth)
        if not error < (1e-10 if dtype == "float64" else 1e-3):
            raise ValueError(f"{name} has another gradient: relative error {error:.1e} at {size}, {dtype}")
    runs["floor"] = floor(weights, X)
    result = summary(take_turns(runs, rounds), "lstmlib")
    if "JAX jit/scan" in names:
        result["JAX jit/scan"]["compile_seconds"] = building["JAX jit/scan"]
    return {"size": size, "dtype": dtype, "rounds": rounds, "results": result}


def floor(weights, X):
    """What no arrangement in NumPy can do without, on buffers that are in memory already.

    The matrix products (two forward, three backward; those of the output layer left out), one tanh of every z and two
    of every c, and three passes over an array (T, B, 4H): gates written, slopes from gates, dz from slopes.
    """
    (T, B, D), H = X.shape, weights.H
    rng = np.random.default_rng(0)
    Z, slopes = rng.uniform(-1, 1, (2, T, B, 4 * H)).astype(weights.dtype)
    h, c, dh = rng.uniform(-1, 1, (3, T, B, H)).astype(weights.dtype)
    all_x, all_h, all_z = X.reshape(T * B, D), h.reshape(T * B, H), Z.reshape(T * B, 4 * H)
    z, WhT, dWx, dWh = np.empty_like(Z[0]), weights.Wh.T.copy(), np.empty_like(weights.Wx), np.empty_like(weights.Wh)

    def run():
        np.matmul(all_x, weights.Wx, out=all_z)
        for t in range(T):
            np.matmul(h[t], weights.Wh, out=z)
            np.tanh(Z[t], out=z)
            np.tanh(c[t], out=dh[t])
        np.tanh(c, out=dh)
        for _ in range(3):
            np.multiply(Z, slopes, out=slopes)
        for t in range(T):
            np.matmul(Z[t], WhT, out=dh[t])
        np.matmul(all_x.T, all_z, out=dWx)
        np.matmul(all_h.T, all_z, out=dWh)
        slopes.fill(0.5)

    return run


def numbers_at_peak(size):
    """Numbers per T*B*H that a run of lstmlib allocates at its peak, what it returns included."""
    T, B, _, H = size
    run, _ = contestants.ours(*problem(*size))
    run()
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {"size": size, "numbers": rounded(peak / 8 / (T * B * H))}


def machine():
    from threadpoolctl import threadpool_info
    blas = [f"{pool['internal_api']} {pool['version']}, {pool.get('architecture')} kernels"
            for pool in threadpool_info() if pool["user_api"] == "blas" and "numpy" in pool["filepath"]]
    versions = {package: version(package) for package in ("numpy", "torch", "jax", "jaxlib", "autograd")}
    return bench.this_machine() | {"numpy_blas": blas, "versions": versions}


def races(rounds, names):
    """The race at every size and dtype, with fewer rounds where one takes seconds, and on what it was held."""
    import torch
    torch.set_num_threads(1)
    data = {"machine": machine(), "races": []}
    for dtype, size in product(("float64", "float32"), SIZES):
        data["races"].append(race(size, dtype, rounds if size[-1] < 256 else max(3, rounds // 2), names))
        print(json.dumps(data["races"][-1]), file=sys.stderr, flush=True)
    data["machine"]["load_at_end"] = bench.load()
    return data


def in_other_process(rounds, python=sys.executable, **environment):
    """The race of the leaders in a process of its own."""
    command = [python, __file__, "--leaders", "--rounds", str(rounds)]
    return json.loads(subprocess.check_output(command, env={**os.environ, **environment}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=bench.HERE / "speed.json")
    parser.add_argument("--rounds", type=int, default=9, help="rounds per measurement; half as many from H = 256 on")
    parser.add_argument("--also", metavar="PYTHON", help="race there instead, and add the result to what is stored")
    parser.add_argument("--leaders", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):  # one thread on the last processor
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if options.leaders:
        print(json.dumps(races(options.rounds, LEADERS)))
        return
    if options.also:
        data = json.loads(options.output.read_text(encoding="utf-8"))
        data["newest"] = in_other_process(options.rounds, options.also)
    else:
        data = races(options.rounds, list(contestants.CONTESTANTS))
        data["races_keep_memory"] = in_other_process(options.rounds, **KEEP_MEMORY)["races"]
        data["memory"] = [numbers_at_peak(size) for size in SIZES]
    bench.store(options.output, data)


if __name__ == "__main__":
    main()
