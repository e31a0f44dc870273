"""From the weights of this library to the layout of other code and back: what an adapter for `diagnose` needs.

    layout = layouts(order="figo", joined="hx", each_gate=True, columns=True)

    def own(weights, X, targets):
        net = layout.put(weights, TheirLSTM(...))           # net.Wf, net.Wi, net.Wg, net.Wo, net.bf, ..., net.by
        loss = net.forward_backward(X.transpose(0, 2, 1), targets)
        return loss, layout.get(net)                        # net.dWf, ..., net.dby
"""

from dataclasses import dataclass, replace

import numpy as np

from .. import checks
from ..checks import takes, usable
from ..losses import cross_entropy, squared_error
from ..weights import Weights


@dataclass(frozen=True)
class Layout:
    """Made by `layouts`. names: the arrays, in the order in which `give` and `take` have them."""

    order: str
    joined: str | None
    each_gate: bool
    columns: bool
    flat: bool
    head: bool
    given: tuple

    @property
    def names(self):
        return self.given or self.usual_names

    @property
    def usual_names(self):
        stems = ["W"] if self.joined else ["Wx", "Wh"]
        gates = [f"{stem}{gate}" for stem in (*stems, "b") for gate in self.order] if self.each_gate else [*stems, "b"]
        return tuple(gates) + (("Wy", "by") if self.head else ())

    @takes(weights=(Weights, usable))
    def give(self, weights):
        """The arrays of the weights in this layout: a list in the order of `names`, new and writable."""
        matrices, arrays = [weights.Wx, weights.Wh], []
        if self.joined:
            matrices = [np.concatenate(matrices if self.joined == "xh" else matrices[::-1])]
        for array in (*matrices, weights.b[None]):
            parts = np.stack(np.split(array, 4, axis=-1))[["ifgo".index(gate) for gate in self.order]]
            arrays += [*parts] if self.each_gate else [np.concatenate(parts, axis=-1)]
        arrays += [weights.Wy, weights.by[None]] if self.head else []
        if self.columns:
            arrays = [array.T for array in arrays]
        return [(array.reshape(-1) if self.flat and name[0] == "b" else array).copy()
                for name, array in zip(self.usual_names, arrays)]

    def put(self, weights, net):
        """Write the arrays into these attributes of an object, or keys of a dict; returns it."""
        arrays = dict(zip(self.names, self.give(weights)))
        if isinstance(net, dict):
            net.update(arrays)
        else:
            for name, array in arrays.items():
                setattr(net, name, array)
        return net

    def get(self, net, form="d{}"):
        """The gradient out of the attributes of an object, or keys of a dict, of these names: dWf for Wf, say."""
        of = net.get if isinstance(net, dict) else lambda name: getattr(net, name, None)
        arrays = [of(form.format(name)) for name in self.names]
        if all(array is None for array in arrays):
            raise ValueError(f"net has none of {', '.join(form.format(name) for name in self.names)}")
        return self.take(arrays)

    def take(self, gradient):
        """A gradient in this layout, a list in the order of `names` or a dict with these keys, as {"Wx": ..., ...}.

        Arrays that are None, or not in the dict, are left out, and with them what they are part of.
        """
        names = self.names
        if not isinstance(gradient, dict):
            came = len(gradient) if isinstance(gradient, (list, tuple)) else type(gradient).__name__
            if came != len(names):
                raise ValueError(f"gradient must have the {len(names)} arrays {', '.join(names)}, got {came}")
            gradient = dict(zip(names, gradient))
        if unknown := [str(name) for name in gradient if name not in names]:
            raise ValueError(f"gradient must have keys from {', '.join(names)}, got {', '.join(unknown)}")
        arrays = {usual: np.atleast_2d(gradient[name]) for usual, name in zip(self.usual_names, names)
                  if gradient.get(name) is not None}
        found = {name: array.ravel() if name[0] == "b" else array.T if self.columns else array
                 for name, array in arrays.items()}
        for stem in ("W", "Wx", "Wh", "b"):
            names = [stem + gate for gate in self.order] if self.each_gate else [stem]
            if all(name in found for name in names):
                parts = [part for name in names for part in np.split(found[name], 4 // len(names), axis=-1)]
                found[stem] = np.concatenate([parts[self.order.index(gate)] for gate in "ifgo"], axis=-1)
        if self.joined and "W" in found:
            both, H = found["W"], found["W"].shape[-1] // 4
            found["Wh"], found["Wx"] = (both[:H], both[H:]) if self.joined == "hx" else (both[-H:], both[:-H])
        return {name: found[name] for name in ("Wx", "Wh", "b", "Wy", "by") if name in found}


def layouts(order="ifgo", joined=None, each_gate=False, columns=False, head=True, *, flat=None, names=None):
    """A Layout: `give(weights)` turns weights into the arrays of other code, `take(gradient)` turns gradients back.

    order      the order of the gates, a permutation of "ifgo" ("c" stands for "g" too)
    joined     "hx" or "xh": one matrix for [h, x] or [x, h]; None: one for x and one for h
    each_gate  whether each gate has a matrix of its own (Wf, Wi, ...), or all four stand side by side
    columns    whether vectors are columns: matrices are (out, in), biases (H, 1)
    head       whether there is an output layer, Wy and by
    flat       whether biases are vectors (H,), for code with columns too; so where vectors are rows
    names      how the code calls its arrays, in one string: "W_f W_i W_c W_o b_f b_i b_c b_o W_y b_y"
    """
    if not isinstance(order, str) or sorted(order.replace("c", "g")) != sorted("ifgo"):
        raise ValueError(f"order must be a permutation of 'ifgo', got {order!r}")
    if joined not in (None, "hx", "xh"):
        raise ValueError(f"joined must be 'hx', 'xh' or None, got {joined!r}")
    given = tuple(checks.instance("names", names or "", str).split())
    layout = Layout(order.replace("c", "g"), joined, bool(each_gate), bool(columns),
                    not columns if flat is None else bool(flat), bool(head), given)
    if given and len(given) != len(layout.usual_names):
        raise ValueError(f"names must be {len(layout.usual_names)}, for {', '.join(layout.usual_names)}, "
                         f"got {len(given)}")
    return layout


def from_step(update, rate):
    """An `own` for `diagnose` out of code that learns inside: update(weights, X, targets) -> (loss, new weights).

    rate  the learning rate, negative for code that adds the step. The new weights are a Weights or a dict of some of
          its arrays; with loss="given" they come alone.
    """
    rate = checks.number("rate", rate)
    if rate == 0:
        raise ValueError("rate must not be 0")

    def own(weights, X, targets):
        result = update(weights, X, targets)
        loss, new = result if isinstance(result, tuple) else (None, result)
        if not hasattr(new, "items"):
            raise TypeError(f"update must return (loss, new weights), got {type(new).__name__} for weights")
        gradient = {name: (getattr(weights, name) - array) / rate for name, array in new.items() if array is not None}
        return gradient if loss is None else (loss, gradient)

    return own


def from_indices(own, size=None):
    """An `own` for `diagnose` out of code whose inputs are indices, of words say: own(weights, inputs, targets).

    inputs (T, B) are rows of weights.Wx. Each item is a word of its own here, whose row is x @ Wx.
    size  the number of rows that Wx must have, for code with one vocabulary for inputs and outputs; then say K=size
    """
    def asked(weights, X, targets):
        items = X.reshape(-1, X.shape[-1])
        if size is not None and size < len(items):
            raise ValueError(f"size must be at least T*B = {len(items)}, got {size}")
        Wx = np.zeros((size or len(items), 4 * weights.H))
        Wx[:len(items)] = items @ weights.Wx
        inputs = np.arange(len(items)).reshape(X.shape[:2])
        result = own(replace(weights, Wx=Wx), inputs, targets)
        loss, gradient = result if isinstance(result, tuple) else (None, result)
        if not hasattr(gradient, "items"):
            return result  # `diagnose` says what is wrong with it
        gradient = dict(gradient.items())
        if gradient.get("Wx") is not None:
            gradient["Wx"] = items.T @ np.asarray(gradient["Wx"])[:len(items)]
        return gradient if loss is None else (loss, gradient)

    asked.by_items = True
    return asked


@takes(weights=(Weights, usable), h="T B H")
def ready_head(weights, h, targets, loss="cross entropy"):
    """An output layer and its loss for code that has none: h (T, B, H) -> loss, dh (T, B, H), {"Wy": ..., "by": ...}.

    The loss is a sum. Targets as in `diagnose`, those of all timesteps.
    """
    of = {"cross entropy": cross_entropy, "squared error": squared_error}
    if loss not in of:
        raise ValueError(f"loss must be 'cross entropy' or 'squared error', got {loss!r}")
    value, dY = of[loss](h @ weights.Wy + weights.by, targets)
    return value, dY @ weights.Wy.T, {"Wy": np.einsum("tbh,tbk->hk", h, dY), "by": dY.sum(axis=(0, 1))}
