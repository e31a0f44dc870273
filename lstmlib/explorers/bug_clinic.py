"""The fault bench: choose a patient, choose an instrument, read it, on one small LSTM and a ragged batch.

All axes are fixed, for an axis that follows the data would hide a constant factor.
"""

from collections import namedtuple
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from ..clinic import XRay, xray
from ..clinic.instruments import errors_by_part, own_gradient, probe_ratios, reordering, response, size_and_direction
from ..clinic.patients import HEALTHY, OUTPATIENTS, WARD, example, outpatient
from ..show import svg
from ..show.words import listed, percent
from . import Choice, Explorer, Menu, Slider, Switch
from .base import grid

WRONG = 1e-6   # smaller relative differences of rows of the X-ray are rounding
EXACT = 1e-13  # smaller relative differences are rounding, and are drawn alike
TENTHS = 0.0995  # smaller errors are told in tenths of a percent
FACTORS = (1, 0.1, 0.01, 0.001)
STEPS = 5  # of the X-ray
BEDS = {"healthy": HEALTHY} | WARD | dict(zip("IJKLMNO", OUTPATIENTS.values()))


@dataclass(frozen=True)
class Bench:
    """The patient's letter (or "healthy"), the instrument, where the X-ray's loss acts, whether the fault is told."""

    patient: str = "healthy"
    instrument: str = "X-ray"
    step: int = 4
    reveal: bool = False


class Readings(NamedTuple):
    """Everything the instruments show of one patient."""

    errors: dict        # part of the gradient -> norm-relative error against the patient's own objective
    ratio: float        # norm over the true norm
    angle: float        # to the true gradient, in degrees
    response: np.ndarray  # for each of FACTORS
    probe: dict         # edge -> ratio at t = 1..T-1
    reordered: np.ndarray
    xray: XRay


@cache
def readings(bed):
    patient, (weights, batch) = BEDS[bed], example(3)
    gradient, truth = patient.gradient(weights, batch), own_gradient(patient, weights, batch)
    ratio, cosine = size_and_direction(gradient, truth)
    return Readings(errors_by_part(gradient, truth), ratio, np.degrees(np.arccos(min(cosine, 1))),
                    response(patient, weights, batch, FACTORS), probe_ratios(patient, weights, batch),
                    reordering(patient, weights, batch), xray(outpatient(patient), T=STEPS))


def numbers(state):
    return readings(state.patient)


LOG_ERRORS = [(1e-13, "exact"), (1e-10, "1e-10"), (1e-7, "1e-7"), (1e-4, "1e-4"), (0.01, "1%"), (1, "100%")]
PERCENTS = [(error ** 0.5, f"{error:.0%}") for error in (0, 0.01, 0.1, 0.25, 0.5, 1, 2)]  # a square-root axis
OVER_LINES = {"stroke": svg.PAPER, "stroke_width": 4, "paint_order": "stroke"}  # a white rim, to be read on grid lines
DASHES = {"stroke": svg.GREY, "width": 2, "stroke_dasharray": "4 4"}
NOTHING = 0.004  # where the probe draws what does not cross, or hardly does
LOG_RATIOS = [0.01, 0.1, 1, 10]


def draw(state, numbers):
    if state.instrument == "X-ray":
        return xray_panel(state, numbers, "if"), xray_panel(state, numbers, "go")
    return (svg.panel("reading", 720, 390, INSTRUMENTS[state.instrument].picture(numbers),
                      words=words(state, numbers)),)


def xray_panel(state, numbers, gates):
    """For an impulse at one timestep: the size of dz of two gates at every timestep, in a frame of the true size."""
    picture, wrong, both = numbers.xray, xray_wrong(state, numbers), " and ".join(gates)
    of = picture.steps.index(state.step - 1)
    true, read = (np.linalg.norm(dz[of], axis=-1) for dz in (picture.true_dz, picture.dz))
    largest = max(true.max(), 1e-300)
    said, key = {"if": ("read from the gradient of Wx", "◀ the loss acts at this timestep alone"),
                 "go": ("in frames of the true size", "timesteps after it get nothing (0)")}[gates]
    parts = [svg.text(0, 14, f"Gates {both}: dz, {said}", bold=True), svg.text(0, 68 + 46 * STEPS, key, fill=svg.GREY)]
    for t in range(STEPS):
        y, here = 54 + 46 * t, t == state.step - 1
        parts.append(svg.text(0, y + 20, f"t = {t + 1}{' ◀' if here else ''}", bold=here))
        for x, gate in zip((66, 220), gates):
            off = wrong[t, k := "ifgo".index(gate)]
            parts += [svg.text(x, 42, f"gate {gate}", bold=True) if t == 0 else "",
                      svg.rect(x, y, 104 * min(read[t, k] / largest, 1.2), 30, fill=svg.RED if off else svg.BLUE),
                      svg.rect(x, y, 104 * true[t, k] / largest, 30, "none", stroke=svg.INK, stroke_width=1.5,
                               stroke_dasharray="4 3"),
                      svg.text(x + 128, y + 20, "✗" if off else "✓" if true[t, k] else "0")]
    return svg.panel(f"xray-{gates}", 366, 80 + 46 * STEPS, *parts,
                     words=f"gates {both}; {xray_reading(state, numbers)[1]}")


def check_picture(numbers):
    frame = svg.Frame(84, 46, 622, 270, (-0.5, 13.5), (0, 1.6))
    parts = [frame.axes((), PERCENTS, title="Gradient check: norm-relative error of each part (axis: square root)")]
    for k, (part, error) in enumerate(numbers.errors.items()):
        exact = error < EXACT
        x, top, colour = frame.x(k), frame.y(0 if exact else error ** 0.5), svg.GREEN if exact else svg.RED
        parts += [svg.rect(x - 14, top, 28, frame.y(0) - top, fill=colour),
                  svg.text(x, frame.bottom + 18, part.split()[-1], 13, "middle", font_style="italic"),
                  svg.circle(x, top, 5, fill=colour) if exact else
                  svg.text(x, top - 6, percent(error, TENTHS), 11, "middle", **OVER_LINES)]
    for first, label in ((0, "Wx"), (4, "Wh"), (8, "b")):
        left, right, y = frame.x(first) - 18, frame.x(first + 3) + 18, frame.bottom + 28
        parts += [svg.line(left, y, right, y, svg.GREY), svg.text((left + right) / 2, y + 18, label, 13, "middle")]
    return "".join(parts) + svg.text(frame.x(12.5), frame.bottom + 46, "output", 12, "middle", svg.GREY)


def size_picture(numbers):
    size = svg.Frame(90, 90, 600, 70, (0.1, 10), (0, 1), log="x")
    angle = svg.Frame(90, 250, 600, 70, (0, 30), (0, 1))
    parts = [size.axes([0.1, 0.2, 0.5, 1, 2, 5, 10], title="Size: norm of the gradient over the true norm"),
             angle.axes([(a, f"{a}°") for a in range(0, 31, 5)], title="Direction: angle to the true gradient")]
    for frame, value, healthy in ((size, numbers.ratio, 1), (angle, numbers.angle, 0)):
        parts += [svg.line(frame.x(healthy), frame.top, frame.x(healthy), frame.bottom, **DASHES),
                  svg.circle(frame.x(value), frame.top + 35, 10, fill=svg.BLUE)]
    return "".join(parts)


def response_picture(numbers):
    frame = svg.Frame(90, 60, 600, 250, (-0.4, 3.4), (0.1, 10), log="y")
    axes = frame.axes([*enumerate(("1", "1/10", "1/100", "1/1000"))], LOG_RATIOS[1:],
                      "the gradient of the loss is multiplied by a",
                      title="Scaled loss: size of the gradient / (a × size for a = 1)")
    return axes + frame.level(1, **DASHES) + marks(frame, range(4), numbers.response, svg.BLUE)


def probe_picture(numbers):
    steps = range(1, len(numbers.probe["dh_next"]) + 1)
    frame = svg.Frame(90, 60, 600, 250, (0.7, len(steps) + 0.3), (0.002, 10), log="y")
    parts = [frame.axes(steps, [(NOTHING, "about 0"), *LOG_RATIOS], "timestep t into which it crosses",
                        title="Probe: what crosses, over what should cross (the loss is at the last step)"),
             frame.level(1, **DASHES)]
    looks = (("dc_next", svg.BLUE, 7, None, "● dc_next, along the cell state"),
             ("dh_next", svg.RED, 4, "6 4", "• dh_next, through the gates (dashed)"))
    for row, (edge, colour, radius, dashes, label) in enumerate(looks):
        values = np.maximum(numbers.probe[edge], NOTHING)
        parts += [frame.curve(steps, values, stroke=colour, stroke_dasharray=dashes),
                  marks(frame, steps, values, colour, radius), svg.text(110 + 270 * row, 372, label, 12, fill=colour)]
    return "".join(parts)


def order_picture(numbers):
    orders = range(1, len(numbers.reordered) + 1)
    frame = svg.Frame(90, 60, 600, 250, (0.5, len(orders) + 0.5), (EXACT / 10, 10), log="y")
    axes = frame.axes(orders, LOG_ERRORS, "another order of the same sequences",
                      title="Reordered batch: relative change of the gradient")
    return axes + marks(frame, orders, np.maximum(numbers.reordered, EXACT), svg.BLUE)


def marks(frame, xs, ys, colour, radius=7):
    return "".join(svg.circle(frame.x(x), frame.y(y), radius, fill=colour) for x, y in zip(xs, ys))


def xray_wrong(state, numbers):
    """(timesteps, gates): whether dz is wrong there, for an impulse at the chosen timestep."""
    return numbers.xray.errors[numbers.xray.steps.index(state.step - 1)] > WRONG


# The readings: whether they are those of a healthy pass, and what is read in a few words.

def xray_reading(state, numbers):
    """Which gates are wrong, timestep by timestep, from the impulse back."""
    wrong = xray_wrong(state, numbers)
    if not wrong.any():
        return True, f"right: dz of every gate and timestep, for a loss at t = {state.step}"
    said = {}
    for t in np.flatnonzero(wrong.any(axis=1))[::-1]:
        gates = [gate for gate, off in zip("ifgo", wrong[t]) if off]
        name = "all gates" if len(gates) == 4 else f"gate{'s' * (len(gates) > 1)} {' '.join(gates)}"
        said.setdefault(name, []).append(f"t = {t + 1}")
    return False, "wrong: " + "; ".join(f"{gates} at {listed(times)}" for gates, times in said.items())


def check_reading(_, numbers):
    wrong = {part: error for part, error in numbers.errors.items() if error >= EXACT}
    if not wrong:
        return True, "all parts agree up to rounding"
    worst = max(wrong, key=wrong.get)
    error = percent(wrong[worst], TENTHS)
    if max(wrong.values()) - min(wrong.values()) < 1e-6:
        return False, f"all {len(wrong)} parts off by the same {error}"
    return False, f"{len(wrong)} of {len(numbers.errors)} parts differ, most of all {worst}: {error}"


def size_reading(_, numbers):
    return (abs(numbers.ratio - 1) < 1e-9 and numbers.angle < 1e-5,
            f"size {numbers.ratio:.2f} of the true one, angle {numbers.angle:.1f}°")


def response_reading(_, numbers):
    return (np.allclose(numbers.response, 1, atol=1e-9),
            f"ratio {numbers.response[1]:.2f} for a = 1/10, {numbers.response[-1]:.2f} for a = 1/1000")


def probe_reading(_, numbers):
    return all(np.allclose(edge, 1, atol=1e-9) for edge in numbers.probe.values()), "; ".join(
        f"{where}: " + ", ".join(f"{edge} {decimals(values[t])}" for edge, values in numbers.probe.items())
        for where, t in (("one step back", -1), ("at t = 1", 0)))


def order_reading(_, numbers):
    largest = numbers.reordered.max()
    if largest < EXACT:
        return True, "the order does not matter"
    same = int((numbers.reordered < EXACT).sum())
    others = f"; {same} of the {len(numbers.reordered)} orders change nothing" if same else ""
    return False, f"the gradient changes by up to {percent(largest, TENTHS)}{others}"


# What a healthy pass shows, how the reading is drawn, and told.
Instrument = namedtuple("Instrument", "shows picture reading")
INSTRUMENTS = {
    "X-ray": Instrument("every bar fills its frame", None, xray_reading),
    "gradient check": Instrument("every part exact (green)", check_picture, check_reading),
    "size and direction": Instrument("ratio 1, angle 0", size_picture, size_reading),
    "scaled loss": Instrument("ratio 1 for every factor", response_picture, response_reading),
    "probe": Instrument("ratio 1 at every timestep", probe_picture, probe_reading),
    "reordered batch": Instrument("every order at 'exact'", order_picture, order_reading)}


def headline(state, numbers):
    good, said = INSTRUMENTS[state.instrument].reading(state, numbers)
    return bool(good), said[0].upper() + said[1:]


def words(state, numbers):
    bed = "The healthy pass" if state.patient == "healthy" else f"Patient {state.patient}"
    diagnosis = f" Diagnosis: {BEDS[state.patient].fault}." if state.reveal else ""
    return f"{bed}, {state.instrument}. A healthy pass shows: {INSTRUMENTS[state.instrument].shows}.{diagnosis}"


def decimals(ratio):
    return "nothing" if ratio == 0 else "below 0.01" if ratio < 0.01 else f"{ratio:.2f}"


PRESETS = {"Patient A, size": {"patient": "A", "instrument": "size and direction"},
           "Patient C, check": {"patient": "C", "instrument": "gradient check"},
           "Patient D, check": {"patient": "D", "instrument": "gradient check"},
           "Patient D, order": {"patient": "D", "instrument": "reordered batch"},
           "Patient H, probe": {"patient": "H", "instrument": "probe"},
           "Patient C, X-ray": {"patient": "C"},
           "Patient J, X-ray": {"patient": "J", "step": 3}, "Patient J, two steps": {"patient": "J", "step": 2}}


def film():
    """Every patient under every instrument, the X-ray with an impulse at every timestep."""
    every = {"patient": BEDS, "reveal": (False, True)}
    return [*grid(Bench(), **every, instrument=INSTRUMENTS), *grid(Bench(), **every, step=range(1, STEPS + 1))]


def fault_bench():
    """The explorer of notebook 8: patients, and the instruments that examine them."""
    controls = {
        "patient": Menu("patient", BEDS, labels=["healthy", *(f"patient {bed}" for bed in BEDS if bed != "healthy")]),
        "instrument": Choice("instrument", INSTRUMENTS),
        "step": Slider("X-ray: the loss acts at t =", range(1, STEPS + 1)), "reveal": Switch("show the diagnosis")}
    return Explorer("The fault bench", Bench(), controls, numbers, draw, words, headline=headline, presets=PRESETS,
                    poster=("Reset", "Patient A, size", "Patient C, check"))  # none of them decides exercise 8.1
