"""Measure how fast lstmlib is, beside its peers, and write the numbers as JSON.

    python benchmarks/speed.py [--output benchmarks/speed.json] [--rounds 9]
    python benchmarks/speed.py --also PYTHON    # adds the race under another Python, whose torch is another

Needs `pip install -e '.[bench,lab,test]'`, and about fifteen minutes on a machine that does little else. One thread,
pinned to one processor; CPU time, not wall time. All contestants take turns within each round, and ratios are formed
within the round, so that a change of the processor's speed strikes all of them. README.md in this folder says what
is measured.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import tracemalloc
from importlib.metadata import version
from itertools import chain, combinations
from pathlib import Path
from timeit import timeit

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
for variable in THREADS:  # before anything imports numpy
    os.environ.setdefault(variable, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import bench  # noqa: E402
import contestants  # noqa: E402
import numpy as np  # noqa: E402

import lstmlib  # noqa: E402

SIZES = [(10, 4, 3, 8), (50, 16, 10, 32), (100, 32, 32, 64), (100, 64, 64, 128), (200, 64, 128, 256),
         (100, 128, 256, 512)]
DTYPES = ["float64", "float32"]
K = 1
AT_LEAST = 0.02  # seconds in every round: short runs are repeated
LENGTHS = [50, 100, 200, 400, 800, 1600, 3200]
# With these glibc takes memory from its own heap and gives none back: repeated calls touch no new page.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "4294967296"}
AVX2 = {"OPENBLAS_CORETYPE": "Haswell"}
LEADERS = ["lstmlib", "torch.nn.LSTM", "JAX jit/scan"]  # raced under both of these settings too


def problem(size, dtype):
    """weights, X and dY of a size (T, B, D, H)."""
    T, B, D, H = size
    rng = np.random.default_rng(0)
    X, dY = (rng.standard_normal((T, B, n)).astype(dtype) for n in (D, K))
    return lstmlib.init_weights(D, H, K, dtype=dtype), X, dY


def take_turns(runs, rounds, clock=time.process_time):
    """{name: seconds of one run, as the mean of several, in every round}, each of which begins with another one."""
    def seconds(name, times=1):
        return timeit(runs[name], "gc.enable()", clock, times) / times

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
        low, ratio, high = np.percentile(np.divide(values, measured[reference]), [25, 50, 75])
        result[name] = {"seconds": rounded(np.median(values)), "ratio": rounded(ratio),
                        "quartiles": [rounded(low), rounded(high)]}
    return result


def rounded(number):
    return float(f"{number:.4g}")


def race(size, dtype, rounds, names, clock=time.process_time):
    """Forward + backward of every contestant and of the floor; raises where their gradients disagree."""
    weights, X, dY = problem(size, dtype)
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
    result = summary(take_turns(runs, rounds, clock=clock), "lstmlib")
    if "JAX jit/scan" in building:
        result["JAX jit/scan"]["compile_seconds"] = building["JAX jit/scan"]
    return {"size": size, "dtype": dtype, "rounds": rounds, "results": result}


def races(rounds, sizes, names):
    """The race at every size and dtype, with fewer rounds where one takes seconds."""
    import torch
    torch.set_num_threads(1)
    results = []
    for dtype in DTYPES:
        for size in sizes:
            results.append(race(size, dtype, rounds if size[-1] < 256 else max(3, rounds // 2), names))
            print(json.dumps(results[-1]), file=sys.stderr, flush=True)
    return results


def floor(weights, X):
    """What no arrangement in NumPy can do without, on buffers that are in memory already.

    The matrix products (two forward, three backward; those of the output layer left out), one tanh of every z and two
    of every c, and three passes over an array (T, B, 4H): gates written, slopes from gates, dz from slopes.
    """
    (T, B, D), H = X.shape, weights.H
    rng = np.random.default_rng(0)
    Z, slopes = (rng.uniform(-1, 1, (T, B, 4 * H)).astype(weights.dtype) for _ in range(2))
    h, c, dh = (rng.uniform(-1, 1, (T, B, H)).astype(weights.dtype) for _ in range(3))
    WhT = weights.Wh.T.copy()
    z, all_x, all_h, all_z = np.empty_like(Z[0]), X.reshape(T * B, D), h.reshape(T * B, H), Z.reshape(T * B, 4 * H)
    dWx, dWh = np.empty_like(weights.Wx), np.empty_like(weights.Wh)

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


def hook_cost(size, dtype, rounds):
    """`backward` alone, without `at` and with an `at` that returns what it is given."""
    weights, X, dY = problem(size, dtype)
    trace = lstmlib.forward(weights, X)
    runs = {"absent": lambda: lstmlib.backward(weights, trace, dY),
            "identity": lambda: lstmlib.backward(weights, trace, dY, at=lambda edge, gradient: gradient)}
    return {"size": size, "dtype": dtype, "results": summary(take_turns(runs, rounds), "absent")}


def growth(lengths, B, D, H, rounds):
    """Time and peak memory as T grows, and the exponents p of a fit to T^p."""
    runs = {T: contestants.ours(*problem((T, B, D, H), "float64"))[0] for T in lengths}
    seconds = [rounded(np.median(values)) for values in take_turns(runs, rounds).values()]
    memory = [peak_memory(run) for run in runs.values()]
    return {"B": B, "D": D, "H": H, "T": lengths, "seconds": seconds, "bytes": memory,
            "time_exponent": exponent(lengths, seconds), "memory_exponent": exponent(lengths, memory)}


def exponent(lengths, values):
    return rounded(np.polyfit(np.log(lengths), np.log(values), 1)[0])


def peak_memory(run):
    """Bytes that a run of lstmlib allocates at its peak, what it returns included, X and the weights not."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    run()
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return peak


def numbers_at_peak(size):
    """Peak memory of lstmlib in numbers per T*B*H."""
    T, B, _, H = size
    return rounded(peak_memory(contestants.ours(*problem(size, "float64"))[0]) / 8 / (T * B * H))


def resident_growth(name, size):
    """Numbers per T*B*H by which the process of a contestant grows at its peak. Linux only."""
    T, B, _, H = size
    contestants.CONTESTANTS[name](*problem(SIZES[0], "float64"))[0]()
    run, _ = contestants.CONTESTANTS[name](*problem(size, "float64"))
    Path("/proc/self/clear_refs").write_text("5")  # the peak is now what is resident
    before = bench.peak_resident()
    run()
    return rounded((bench.peak_resident() - before) / 8 / (T * B * H))


def spectrum_cost(rounds):
    """Seconds for one crossing spectrum at T = 4, and for those of all 512 sets of edges."""
    weights, X, dY = problem((4, 4, 3, 8), "float64")
    trace = lstmlib.forward(weights, X)
    sets = list(chain.from_iterable(combinations(lstmlib.EDGES, n) for n in range(len(lstmlib.EDGES) + 1)))

    def spectra(of):
        for edges in of:
            lstmlib.crossing_spectrum(weights, trace, dY, edges)

    runs = {"dz": lambda: spectra([{"dz"}]), "nine edges": lambda: spectra([lstmlib.EDGES]),
            "512 sets": lambda: spectra(sets)}
    return {name: rounded(np.median(values)) for name, values in take_turns(runs, rounds).items()}


def import_cost(rounds):
    """Seconds that `import lstmlib` adds to `import numpy`, in fresh interpreters."""
    code = ("import time, sys; sys.path.insert(0, sys.argv[1]); import numpy; start = time.process_time(); "
            "import lstmlib; print(time.process_time() - start)")
    return rounded(np.median([float(subprocess.check_output([sys.executable, "-c", code, str(bench.ROOT)]))
                              for _ in range(rounds)]))


def in_other_process(task, *arguments, python=sys.executable, **environment):
    """The result of a function of this file in a fresh process."""
    command = [python, __file__, "--task", json.dumps([task, *arguments])]
    return json.loads(subprocess.check_output(command, env={**os.environ, **environment}))


def keep_memory_gain(size, dtype, rounds):
    """Our time as found over our time with KEEP_MEMORY, from processes that take turns."""
    times = {"as found": [], "kept": []}
    for _ in range(rounds):
        times["as found"].append(in_other_process("our_seconds", size, dtype))
        times["kept"].append(in_other_process("our_seconds", size, dtype, **KEEP_MEMORY))
    return {"size": size, "dtype": dtype, **summary(times, "kept")["as found"]}


def our_seconds(size, dtype, rounds=7):
    return float(np.median(take_turns({"lstmlib": contestants.ours(*problem(size, dtype))[0]}, rounds)["lstmlib"]))


def two_threads(size, dtype, rounds=5):
    """lstmlib and torch with two threads, wall time: for information."""
    import torch
    torch.set_num_threads(2)
    return race(size, dtype, rounds, ["lstmlib", "torch.nn.LSTM"], clock=time.perf_counter)


def pin(processors=1):
    """One thread on the last processor; returns whether the system can do so."""
    if not hasattr(os, "sched_setaffinity"):
        return False
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-processors:])
    return True


def machine():
    from threadpoolctl import threadpool_info
    blas = [f"{pool['internal_api']} {pool['version']}, {pool.get('architecture')} kernels"
            for pool in threadpool_info() if pool["user_api"] == "blas" and "numpy" in pool["filepath"]]
    versions = {package: version(package) for package in ("numpy", "torch", "jax", "jaxlib", "autograd")}
    environment = {name: value for name, value in os.environ.items() if name.startswith(("OPENBLAS_", "MALLOC_"))}
    return bench.this_machine() | {"numpy_blas": blas, "versions": versions, "environment": environment}


def everything(rounds, sizes=SIZES, names=tuple(contestants.CONTESTANTS)):
    """All measurements, as plain data."""
    data = {"machine": machine(), "rounds": rounds, "K": K, "races": races(rounds, sizes, names)}
    data["races_keep_memory"] = in_other_process("races", rounds, sizes, LEADERS, **KEEP_MEMORY)
    data["races_avx2"] = in_other_process("races", rounds, sizes, LEADERS, **AVX2)
    data["hook"] = [hook_cost(size, "float64", rounds) for size in sizes[:4]]
    data["growth"] = growth(LENGTHS, 32, 32, 64, max(3, rounds // 2))
    data["spectrum"] = spectrum_cost(rounds)
    data["import_seconds"] = import_cost(2 * rounds)
    data["memory"] = [{"size": size, "numbers": numbers_at_peak(size)} for size in sizes]
    data["resident"] = {name: in_other_process("resident_growth", name, (100, 64, 64, 128)) for name in names}
    data["keep_memory"] = [keep_memory_gain(size, dtype, 3) for dtype in DTYPES for size in sizes[1:4]]
    data["two_threads"] = [in_other_process("two_threads", size, dtype, **dict.fromkeys(THREADS, "2"))
                           for dtype in DTYPES for size in sizes[2:5]]
    data["machine"]["load_at_end"] = bench.load()
    return data


def of_this_python(rounds, sizes=SIZES):
    """The race of the leaders as this Python has them, and what they are."""
    data = {"machine": machine(), "races": races(rounds, sizes, LEADERS)}
    data["machine"]["load_at_end"] = bench.load()
    return data


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=bench.HERE / "speed.json")
    parser.add_argument("--rounds", type=int, default=9, help="rounds per measurement; half as many from H = 256 on")
    parser.add_argument("--also", metavar="PYTHON", help="race there instead, and add the result to what is stored")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        task, *arguments = json.loads(options.task)
        pin(2 if task == "two_threads" else 1)
        print(json.dumps(globals()[task](*arguments)))
        return
    if options.also:
        data = json.loads(options.output.read_text(encoding="utf-8"))
        data["newest"] = in_other_process("of_this_python", options.rounds, python=options.also)
    else:
        pinned = pin()
        data = everything(options.rounds)
        data["machine"]["pinned"] = pinned
    bench.store(options.output, data)


if __name__ == "__main__":
    main()
