"""The experiments of `diagnose`, in their order. Each leaves few lines of a backward pass open.

The X-ray's are told by the blocks that they read: dz of which gate, how many timesteps before the impulse. What one
of them finds, the later ones take into account. That no other place changes what it reads is tested, place by place.
"""

from collections.abc import Callable
from math import inf
from typing import NamedTuple


class Block(NamedTuple):
    """Numbers of the X-ray that are compared together: of this array ("dz" too), impulse, timestep and gate."""

    kind: str
    impulse: int | None = None
    t: int | None = None
    gate: str | None = None

    lag = property(lambda self: self.impulse - self.t if self.kind == "dz" else None)


class Experiment(NamedTuple):
    """What it leaves open (places that can be wrong here, besides those before), expects, and found.

    reads  which blocks of the X-ray it compares; None for what is asked otherwise
    found  what is wrong there: names, or places and numbers
    """

    name: str
    opens: tuple
    expects: str
    reads: Callable | None = None
    found: tuple = ()

    def __str__(self):
        return (f"{self.name}\n    leaves open  {', '.join(self.opens)}\n    expects  {self.expects}\n"
                f"    found    {'; '.join(self.found) or 'as expected'}")


def dz(gates, least, most):
    """dz of these gates, between so many timesteps before the impulse."""
    return lambda block: block.kind == "dz" and block.gate in gates and least <= block.lag <= most


def of(*kinds):
    return lambda block: block.kind in kinds


CALLS = Experiment("two calls", ("calls", "arguments"), "the same answer twice, and arguments that stay as they are")
LOSS = Experiment("the loss", ("forward pass",), "it moves with the targets as that of a forward pass that is known")
NUMBERS = Experiment("central differences", ("every part",), "the slopes of the code's own loss")
XRAY = (
    Experiment("the head", ("loss", "loss at t", "head", "Wy", "by", "states at t", "h at t", "h and c", "caches",
                            "timesteps", "sums"),
               "dWy = h_t.T @ dY_t, dby = dY_t", of("Wy", "by")),
    Experiment("gate o at the impulse",
               ("slope of o", "dz", "states at t", "c at t", "caches", "timesteps", "Wx", "x", "1/|X|"),
               "dz_o = dh * tanh(c) * o(1 - o), dh = dY_t @ Wy.T: no other gate, and nothing has come back",
               dz("o", -inf, 0)),
    Experiment("gates i, f, g at the impulse",
               ("slope of tanh(c)", "slope of i", "slope of f", "slope of g", "states before t", "c before t",
                "coupled gates", "peepholes"),
               "dz = dc * (g, c_prev, i) * slope, dc = dh * o(1 - tanh(c)^2): what all three share is of tanh(c)",
               dz("ifg", -inf, 0)),
    Experiment("along the hidden path: gate o, one step back", ("dh", "gate o"),
               "dh = dY_t @ Wy.T + dz @ Wh.T: gate o knows nothing of what comes along the cell", dz("o", 1, 1)),
    Experiment("along the cell: gates i, f, g, one step back", ("dc",), "dc = dh * o(1 - tanh(c)^2) + dc_next * f",
               dz("ifg", 1, 1)),
    Experiment("what of dc enters dh: gate o, two steps back", ("dh",),
               "the dz that make dh have in them what came along the cell, too", dz("o", 2, 2)),
    Experiment("gates i, f, g, two steps back", ("dc",), "the same lines again", dz("ifg", 2, 2)),
    Experiment("three steps back and more", ("dh", "dc"), "the same lines again", dz("ifgo", 3, inf)),
    Experiment("the sum of b", ("b", "bias of i", "bias of f", "bias of g", "bias of o"), "db = the sum of all dz_t",
               of("b")),
    Experiment("the sums of Wh and Wx", ("Wh", "h before t"), "dWh = the sum of all h_(t-1).T @ dz_t, first h0",
               of("Wh", "Wx", "rest of Wx")))
WHOLE = (
    Experiment("the whole gradient", ("added",), "the sum of the answers to its impulses, without the weights in it"),
    Experiment("other data, T = 1 to 6", ("loss", "timesteps", "whole gradient"), "the gradient of these faults"),
    Experiment("a large upstream", ("clipped inside",), "a gradient that is as many times as large"))
BATCH = Experiment("another batch", ("1/|X|", "gates", "head", "loss"), "every item weighs alike, and as the loss says")
