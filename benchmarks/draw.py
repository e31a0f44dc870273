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
    "LSTMCell loop": {"color": "#56B4E9", "marker": "^", "linestyle": ":"},
    "JAX jit/scan": {"color": "#D55E00", "marker": "s", "linestyle": "--"},
    "autograd": {"color": "#009E73", "marker": "D", "linestyle": "-."},
    "step by step": {"color": "#555555", "marker": "v", "linestyle": (0, (5, 2, 1, 2, 1, 2))},
}
SETTINGS = {"races": "as found", "races_keep_memory": "memory kept", "races_avx2": "OpenBLAS limited to AVX2"}


def draw(data):
    """The figure: two races, the distance from the floor, and the growth with T."""
    figure = Figure(figsize=(11, 8), layout="constrained", dpi=110)
    axes = figure.subplots(2, 2)
    for ax, dtype in zip(axes[0], ("float64", "float32")):
        draw_race(ax, data, dtype)
    draw_floor(axes[1, 0], data)
    draw_growth(axes[1, 1], data["growth"])
    axes[0, 0].legend(fontsize=9)
    machine = data["machine"]
    figure.suptitle(f"Forward + backward on one thread, {machine['processor']}, {machine['date']}", fontsize=12)
    return figure


def draw_race(ax, data, dtype):
    """Time of each peer over that of lstmlib, by size; whiskers from quartile to quartile."""
    races = [race for race in data["races"] if race["dtype"] == dtype]
    for name, style in STYLES.items():
        found = [race["results"][name] for race in races]
        ratios = np.array([result["ratio"] for result in found])
        quartiles = np.array([result["quartiles"] for result in found])
        ax.errorbar(range(len(races)), ratios, yerr=np.abs(quartiles.T - ratios), label=name, markersize=6, **style)
    ax.set(yscale="log", ylim=(0.25, 16), title=f"{dtype}: time of the peer / time of lstmlib",
           ylabel="above 1: lstmlib is faster")
    ax.set_yticks([0.25, 0.5, 1, 2, 4, 8, 16], ["1/4", "1/2", "1", "2", "4", "8", "16"])
    label_sizes(ax, races)


def draw_floor(ax, data):
    """Time of lstmlib over the floor, as found and with memory kept."""
    for dtype, colour, marker in (("float64", "#0072B2", "o"), ("float32", "#D55E00", "s")):
        for setting, linestyle, inside in (("races", "-", colour), ("races_keep_memory", ":", "white")):
            races = [race for race in data[setting] if race["dtype"] == dtype]
            ax.plot([1 / race["results"]["floor"]["ratio"] for race in races], color=colour, marker=marker,
                    linestyle=linestyle, markerfacecolor=inside, label=f"{dtype}, {SETTINGS[setting]}")
    ax.set(yscale="log", ylim=(0.9, 8), title="time of lstmlib / floor (matrix products, tanh, memory traffic)")
    ax.set_yticks([1, 1.5, 2, 4, 8], ["1", "1.5", "2", "4", "8"])
    ax.legend(fontsize=9)
    label_sizes(ax, races)


def label_sizes(ax, races):
    ax.set_xticks(range(len(races)), ["{},{}\n{},{}".format(*race["size"]) for race in races])
    ax.set_xlabel("T,B / D,H")
    ax.axhline(1, color="black", linewidth=1)
    ax.minorticks_off()
    ax.grid(axis="y", color="#dddddd")


def draw_growth(ax, growth):
    """Time and peak memory of lstmlib as T grows."""
    ax.loglog(growth["T"], growth["seconds"], color="#0072B2", marker="o", linestyle="-",
              label=f"seconds, about T^{growth['time_exponent']:.2f}")
    ax.loglog(growth["T"], [value / 1e9 for value in growth["bytes"]], color="#D55E00", marker="s", linestyle="--",
              label=f"peak memory in GB, about T^{growth['memory_exponent']:.2f}")
    ax.set_xticks(growth["T"], growth["T"])
    ax.minorticks_off()
    ax.set(xlabel="T", ylabel="seconds; GB", title="growth with T, float64, B = {B}, D = {D}, H = {H}".format(**growth))
    ax.grid(color="#dddddd")
    ax.legend(fontsize=9)


def tables(data):
    """The tables of README.md, as text."""
    parts = [about(data["machine"])]
    for setting, title in SETTINGS.items():
        parts += [f"### {title[0].upper()}{title[1:]}", race_table(data[setting])]
    if "newest" in data:
        machine = data["newest"]["machine"]
        version = machine["versions"]["torch"].split("+")[0]
        parts += [f"### As found, with torch {version}", about(machine), race_table(data["newest"]["races"])]
    return "\n\n".join([*parts, "### Other costs", other_table(data)])


def about(machine):
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (f"{machine['date']}, {machine['processor']} ({machine['processors']} processors), {machine['system']}, "
            f"Python {machine['python']}, {versions}; NumPy's BLAS: {'; '.join(machine['numpy_blas'])}. "
            f"Load at the start {machine['load_at_start']:.1f}, at the end {machine['load_at_end']:.1f}.")


def race_table(races):
    peers = [name for name in (*STYLES, "floor") if name in races[0]["results"]]
    lines = [f"| dtype | T, B, D, H | lstmlib, ms | {' | '.join(peers)} |", "|---|---|---:|" + "---:|" * len(peers)]
    for race in races:
        size, ours = ", ".join(map(str, race["size"])), 1e3 * race["results"]["lstmlib"]["seconds"]
        ratios = " | ".join(f"{race['results'][name]['ratio']:.2f}" for name in peers)
        lines.append(f"| {race['dtype']} | {size} | {ours:{'.3g' if ours < 100 else '.0f'}} | {ratios} |")
    return "\n".join(lines)


def other_table(data):
    compiled = [race["results"]["JAX jit/scan"]["compile_seconds"] for race in data["races"]]
    rows = [("JAX: compilation before the first run, s", f"{min(compiled):.2f} to {max(compiled):.2f}")]
    rows += [(f"`backward` with an identity hook / without, at {tuple(row['size'])}",
              f"{row['results']['identity']['ratio']:.2f}") for row in data["hook"]]
    rows += [(f"crossing spectrum at T = 4, {edges}, ms", f"{1e3 * value:.3g}")
             for edges, value in data["spectrum"].items()]
    rows += [("`import lstmlib` after `import numpy`, ms", f"{1e3 * data['import_seconds']:.2g}"),
             ("time grows as T to the power", f"{data['growth']['time_exponent']:.2f}"),
             ("memory grows as T to the power", f"{data['growth']['memory_exponent']:.2f}")]
    rows += [(f"lstmlib: numbers allocated at the peak per T\\*B\\*H, at {tuple(row['size'])}", f"{row['numbers']:.1f}")
             for row in data["memory"]]
    rows += [(f"{name}: growth of the process per T\\*B\\*H, in numbers", f"{value:.1f}")
             for name, value in data["resident"].items()]
    rows += [(f"time as found / with memory kept, {row['dtype']}, {tuple(row['size'])}", f"{row['ratio']:.2f}")
             for row in data["keep_memory"]]
    rows += [(f"two threads, wall time: torch / lstmlib, {row['dtype']}, {tuple(row['size'])}",
              f"{row['results']['torch.nn.LSTM']['ratio']:.2f}") for row in data["two_threads"]]
    return "\n".join(["| what | value |", "|---|---:|", *(f"| {what} | {value} |" for what, value in rows)])


def main():
    data = json.loads((bench.HERE / "speed.json").read_text(encoding="utf-8"))
    draw(data).savefig(picture := io.BytesIO(), metadata={"Software": None})
    write(bench.HERE / "speed.png", picture.getvalue())
    bench.write_table(bench.HERE / "README.md", "tables", tables(data))


if __name__ == "__main__":
    main()
