"""Draw speed.png from speed.json, and bring the tables in README.md up to date.

    python benchmarks/draw.py
"""

import io
import json

import bench
import numpy as np
from matplotlib.figure import Figure

from tools.files import write

# Colours of Okabe & Ito, told apart by marker and line style as well.
STYLES = {
    "torch.nn.LSTM": {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    "JAX jit/scan": {"color": "#D55E00", "marker": "s", "linestyle": "--"},
    "autograd": {"color": "#009E73", "marker": "D", "linestyle": "-."},
    "step by step": {"color": "#555555", "marker": "v", "linestyle": (0, (5, 2, 1, 2, 1, 2))},
    "floor": {"color": "#000000", "marker": "x", "linestyle": (0, (1, 3))}}


def draw(data):
    """Time of each peer, and of the floor, over that of lstmlib, by size; whiskers from quartile to quartile."""
    figure = Figure(figsize=(11, 4.6), layout="constrained", dpi=110)
    for ax, dtype in zip(figure.subplots(1, 2), ("float64", "float32")):
        races = [race for race in data["races"] if race["dtype"] == dtype]
        for name, style in STYLES.items():
            found = [race["results"][name] for race in races]
            ratios = np.array([result["ratio"] for result in found])
            quartiles = np.array([result["quartiles"] for result in found])
            ax.errorbar(range(len(races)), ratios, yerr=np.abs(quartiles.T - ratios), label=name, markersize=6, **style)
        ax.set(yscale="log", ylim=(0.125, 16), title=f"{dtype}: time of the peer / time of lstmlib",
               xlabel="T,B / D,H", ylabel="above 1: lstmlib is faster")
        ax.set_yticks([0.125, 0.25, 0.5, 1, 2, 4, 8, 16], ["1/8", "1/4", "1/2", "1", "2", "4", "8", "16"])
        ax.set_xticks(range(len(races)), ["{},{}\n{},{}".format(*race["size"]) for race in races])
        ax.axhline(1, color="black", linewidth=1)
        ax.minorticks_off()
        ax.grid(axis="y", color="#dddddd")
    ax.legend(fontsize=9)
    machine = data["machine"]
    figure.suptitle(f"Forward + backward on one thread, {machine['processor']}, {machine['date']}", fontsize=12)
    return figure


def tables(data):
    """The tables of README.md, as text."""
    parts = [about(data["machine"]), "### As found", race_table(data["races"]),
             "### Memory kept", race_table(data["races_keep_memory"])]
    if newest := data.get("newest"):
        torch = newest["machine"]["versions"]["torch"].split("+")[0]
        parts += [f"### As found, with torch {torch}", about(newest["machine"]), race_table(newest["races"])]
    return "\n\n".join([*parts, "### Other costs", other_table(data)])


def about(machine):
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (f"{machine['date']}, {machine['processor']} ({machine['processors']} processors), {machine['system']}, "
            f"Python {machine['python']}, {versions}; NumPy's BLAS: {'; '.join(machine['numpy_blas'])}. "
            f"Load at the start {machine['load_at_start']:.1f}, at the end {machine['load_at_end']:.1f}.")


def race_table(races):
    peers = [name for name in STYLES if name in races[0]["results"]]
    lines = [f"| dtype | T, B, D, H | lstmlib, ms | {' | '.join(peers)} |", "|---|---|---:|" + "---:|" * len(peers)]
    for race in races:
        size, ours = ", ".join(map(str, race["size"])), 1e3 * race["results"]["lstmlib"]["seconds"]
        ratios = " | ".join(f"{race['results'][name]['ratio']:.2f}" for name in peers)
        lines.append(f"| {race['dtype']} | {size} | {ours:{'.3g' if ours < 100 else '.0f'}} | {ratios} |")
    return "\n".join(lines)


def other_table(data):
    compiled = [race["results"]["JAX jit/scan"]["compile_seconds"] for race in data["races"]]
    return "\n".join([
        "| what | value |", "|---|---:|",
        f"| JAX: compilation before the first run, s | {min(compiled):.2f} to {max(compiled):.2f} |",
        *(f"| lstmlib: numbers allocated at the peak per T\\*B\\*H, at {tuple(row['size'])} | {row['numbers']:.1f} |"
          for row in data["memory"])])


if __name__ == "__main__":
    data = json.loads((bench.HERE / "speed.json").read_text(encoding="utf-8"))
    draw(data).savefig(picture := io.BytesIO(), metadata={"Software": None})
    write(bench.HERE / "speed.png", picture.getvalue())
    bench.write_table(bench.HERE / "README.md", "tables", tables(data))
