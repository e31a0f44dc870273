"""What a fault looks like in code, what stands there in right code, and why."""

import re
import textwrap

from .catalogue import name

SLOPE = {"at the activation": "sigmoid({k}) * (1 - sigmoid({k}))", "missing": "1", "the function itself": "{k}",
         "of another function": "(1 - {k}**2)  (say)", "a constant factor": "0.5 * {k} * (1 - {k})  (say)"}
SLOPE_G = SLOPE | {"at the activation": "(1 - tanh(g)**2)", "of another function": "g * (1 - g)  (say)",
                   "a constant factor": "0.5 * (1 - g**2)  (say)"}
INDEX = {"one index early": "{s}[t - 1]", "one index late": "{s}[t + 1]", "the first one wrong": "{s}[-1] at t = 0"}
BEFORE = INDEX | {"one index late": "{s}[t + 1]  (that of t itself)"}
LINES = {  # place: (right line, why, {what: wrong line})
    "dz": ("dz = [dz_i, dz_f, dz_g, dz_o]  (the order of z)", "each quarter of dz belongs to the gate of that of z.",
           {"in another order": "dz = [dz_i, dz_f, dz_o, dz_g]  (say)"}),
    "dh": ("dh_next = dz @ Wh.T  (dz of all four gates)",
           "h_(t-1) enters all four gates of the next step, each through its part of Wh.",
           {"not carried": "dh_next = 0", "without Wh": "dh_next = dh", "Wh not transposed": "dh_next = dz @ Wh",
            "added twice": "dh = dY_t @ Wy.T + 2 * dh_next",
            "without the slopes of the gates": "dh_next = [dc*g, dc*c_prev, dc*i, dh*tanh(c)] @ Wh.T",
            "from the wrong end of [x, h]": "dh_next = dxh[:, :H]  of [x, h]  (or dxh[:, D:] of [h, x])",
            "from dh alone": "dh_next = dz @ Wh.T  with dz from dc = dh * o * (1 - tanh(c)**2), without dc_next",
            **{f"without gate {k}": f"dh_next = the sum of dz_k @ Wh_k.T without gate {k}" for k in "ifgo"}}),
    "dc": ("dc_next = dc * f", "c_t = f_t * c_(t-1) + i_t * g_t: what comes back along the cell is added to, times f.",
           {"not carried": "dc = dh * o * (1 - tanh(c)**2)  (nothing is added)", "without f": "dc_next = dc",
            "added twice": "dc = dh * o * (1 - tanh(c)**2) + 2 * dc_next",
            "times another gate": "dc_next = dc * i  (say)",
            "times f of another timestep": "dc_next = dc * f[t - 1]  (say)",
            "times the slope of tanh(c)": "dc = (dh * o + dc_next) * (1 - tanh(c)**2)"}),
    **{f"slope of {k}": (f"... * {k} * (1 - {k})",
                         f"{k} = sigmoid(z) is the activation already; its slope is {k}(1 - {k}).",
                         {what: "... * " + line.format(k=k) for what, line in SLOPE.items()}) for k in "ifo"},
    "slope of g": ("... * (1 - g**2)", "g = tanh(z) is the activation already; its slope is 1 - g^2.",
                   {what: "... * " + line.format(k="g") for what, line in SLOPE_G.items()}),
    "slope of tanh(c)": ("dc = dh * o * (1 - tanh(c)**2) + dc_next",
                         "c is no activation: the slope of tanh at c is 1 - tanh(c)^2.",
                         {"1 - c^2": "... * (1 - c**2)", "of h": "... * (1 - h**2)",
                          "at the activation": "... * (1 - tanh(tanh(c))**2)",
                          "missing": "dc = dh * o + dc_next", "tanh(c^2)": "... * (1 - tanh(c**2))",
                          "the function itself": "... * tanh(c)",
                          "of another function": "... * sigmoid(c) * (1 - sigmoid(c))  (say)",
                          "without gate o": "dc = dh * (1 - tanh(c)**2) + dc_next"}),
    "states before t": ("h_prev, c_prev = h_(t-1), c_(t-1); at t = 0 h0 and c0",
                        "a list that begins with h0 is one longer, and its entry t is the state before t.",
                        {what: "h_prev, c_prev = " + line.format(s="states") for what, line in BEFORE.items()}),
    **{f"{s} before t": (f"{s}_prev = {s}_(t-1); at t = 0 {s}0", f"a list that begins with {s}0 is one longer.",
                         {what: f"{s}_prev = " + line.format(s=s) for what, line in BEFORE.items()}) for s in "hc"},
    "states at t": ("h, c = h_t, c_t", "a list that begins with h0 holds the state at t at t + 1.",
                    {what: "h, c = " + line.format(s="states") for what, line in INDEX.items()}),
    **{f"{s} at t": (right, f"a list that begins with {s}0 holds {s}_t at t + 1.",
                     {what: f"{s} = " + line.format(s=s) for what, line in INDEX.items()})
       for s, right in (("h", "dWy += h_t.T @ dy_t"), ("c", "tanh(c_t)"))},
    "coupled gates": ("di = dc * (g - c_prev)  (f = 1 - i; with i = 1 - f, df = dc * (c_prev - g))",
                      "the gate that is learnt stands twice in c_t = f * c_prev + i * g.",
                      {"one path left out": "di = dc * g  (or df = dc * c_prev)"}),
    "peepholes": ("dc = dh * o * (1 - tanh(c)**2) + dz_o * p_o + dc_next; dc_next = dc * f + dz_i * p_i + dz_f * p_f",
                  "c enters the gates through the peepholes: what comes back through them belongs to dc.",
                  {"left out of dc": "dc = dh * o * (1 - tanh(c)**2) + dc_next; dc_next = dc * f"}),
    "gate o": ("dz_o = dh * tanh(c) * o * (1 - o)  (dh = dY_t @ Wy.T + dh_next)",
               "h_t reaches the loss through the later timesteps, too.",
               {"from the loss alone": "dz_o = (dY_t @ Wy.T) * tanh(c) * o * (1 - o)"}),
    "timesteps": ("for t in reversed(range(T))", "every timestep contributes, and none twice.",
                  {"first left out": "for t in range(T - 1, 0, -1)", "last left out": "for t in range(T - 2, -1, -1)",
                   "last only": "t = T - 1, no loop", "one step too far": "for t in range(T - 1, -2, -1)"}),
    **{array: (f"d{array} += ...", "the weights are the same at every timestep, so its gradients are summed.",
               {"last timestep only": f"d{array} = that of t = T - 1", "overwritten at each step": f"d{array} = ...",
                "left at zero": f"d{array} = 0", "a constant factor": f"d{array} = 0.5 * ...  (say)"})
       for array in ("Wx", "Wh", "b", "Wy", "by")},
    "sums": ("dWx += ...; dWh += ...; db += ...",
             "the weights are the same at every timestep: their gradients are summed.",
             {"overwritten at each step": "dWx = ...; dWh = ...; db = ...  (in the loop)"}),
    "caches": ("i, f, g, o, c = caches[t]", "each timestep has slopes of its own.",
               {"of the last step": "i, f, g, o, c = what the forward loop left in its variables"}),
    "loss": ("dy_t = the gradient of the loss that is reported, at timestep t",
             "each output has a gradient of its own, and it is that of the loss that is reported.",
             {"of the last step at every step": "dy = dY[-1]  (in the loop)", "of another loss": "dy of another loss",
              "another factor than the gradient's": "loss = mean(...); dY = that of sum(...)  (say)",
              "the other sign": "dy = target - p"}),
    **{f"bias of {k}": (f"db_{k} += dz_{k}", "each gate has a bias of its own.",
                        {f"delta of {j}": f"db_{k} += dz_{j}" for j in "ifgo"}) for k in "ifgo"},
    "h0": ("h0.copy()", "a view of what is overwritten is overwritten with it.",
           {"a view": "h0 = h[0]  (the same memory as the first output)"}),
    "h and c": ("h, c = zeros(...), zeros(...)", "two states need two arrays.", {"one array": "h = c = zeros(...)"}),
    "x": ("x_t", "dWx takes the input that the gates had.", {"another than forward's": "x = X[t - 1]"}),
    "head": ("dWy += outer(h_t, dy_t)", "y_t = h_t Wy + by; the loss's dy_t goes to Wy as it is.",
             {"an inner product": "dWy = dot(h, dy)  (broadcast)", "an extra slope": "dy *= p * (1 - p)  (say)",
              "another count": "dWy / count, with another count than the other gradients"}),
    "gates": ("the same 1/|X| for all five arrays", "every path from the loss crosses 1/|X| exactly once.",
              {"another count": "dWx / count, with another count than that of the loss"}),
    "clipped inside": ("return gradient  (clip in the training loop)",
                       "a clip is not linear: the sums are no gradient then.",
                       {"by value": "gradient = clip(gradient, -limit, limit)", "by norm": "gradient *= limit / norm",
                        "at each step": "dh = clip(dh, -limit, limit)  (in the loop)"}),
    "added": ("gradient", "what is added to the gradient belongs to the loss, too.",
              {"weight decay": "gradient += decay * W  (and nothing in the loss)"}),
    "1/|X|": ("divide once: at once (dY / |X|) or at the end (gradient / |X|)",
              "every path from the loss crosses 1/|X| exactly once, and |X| is that of the whole batch.",
              {"at every step": "dz = dz / |X|  (in the loop)", "mean of means": "mean([L_1 / n_1, L_2 / n_2])"}),
    "calls": ("gradient = 0, h = h0, c = c0 at the start of each call",
              "nothing may be left over from the call before.",
              {"differ": "sums, or states, that are made once"}),
    "arguments": ("X.copy()", "what is given to a function is the caller's.",
                  {"changed in place": "X *= ..., X -= ..."})}


def together(faults):
    """[(places, "place: what")]: h and c before t (or at t) with the same fault are one."""
    left, found = dict(faults), []
    for both, (h, c) in {"states before t": ("h before t", "c before t"), "states at t": ("h at t", "c at t")}.items():
        if h in left and left[h] == left.get(c):
            found.append(((h, c), both, left.pop(h)))
            del left[c]
    found += [((place,), place if place != "loss at t" else "loss", what) for place, what in left.items()]
    return [(places, "h0: a view" if place == "states before t" and "output of the first" in str(what) else
             f"{place}: {name(what)}") for places, place, what in found]


def singles(said):
    """The ["place", "what"] that are named together in "place: what or place: what and place: what"."""
    return [part.split(": ", 1) for part in re.split(" or | and (?!c:)", said)]


def lines(place, what=""):
    """The wrong line, the right line and why, of those that are known, each under its name."""
    right, why, wrong = LINES.get(place, (None, None, {}))
    said = {"wrong": wrong.get(what), "right": right, "why": why}
    return [f"    {name:<5}  {line}" for name, line in said.items() if line]


def here(what):
    """What is known of a way besides its name: the factor, or the note."""
    what, number = what if isinstance(what, tuple) else (what, None)
    return f"times {number:.3g}" if what in ("a constant factor", "at every step") else what.partition("; ")[2]


def report(d):
    """The diagnosis in sentences."""
    seen = {said: [f"    seen   {one.name}"] for one in d.experiments for said in one.found}
    out = []
    if d.explained:
        out.append({0: "The gradient is right.", 1: "1 fault, and it explains the whole gradient:"}.get(
            len(d.faults), f"{len(d.faults)} faults, and they explain the whole gradient:"))
    elif d.faults:
        out.append("A guess, for it does not explain the whole gradient:")
    elif d.places:
        out.append("The gradient is wrong:")
    for said in d.faults:
        out += ["", f"* {said}"]
        place, what = singles(said)[0]
        out += lines(place, what) + seen.get(said, [])
        if place in d.numbers:
            out.append(f"    here   {d.numbers[place]}")
    named = {singles(said)[0][0] for said in d.faults}
    for place, number in d.numbers.items():
        if place not in named:
            out += ["", f"* {place}: no way of being wrong that is known here; {number}"]
            out += lines(place) + seen.get(f"{place}: {number}", [])
    out.append("")
    if d.forward:
        out.append(f"forward pass: {d.forward}")
    factors = {"gates": d.factor, "head": d.head_factor, "loss": d.loss_factor}
    out.append("against the sum over all items: " + ", ".join(f"{k} {v}" for k, v in factors.items() if v is not None)
               if any(factors.values()) else "")
    if d.explained and not d.faults and d.factor not in (None, "1"):
        out.append("Whether that factor is applied at once, to dY, or at the end, to the sums, cannot be told from "
                   "outside: the gradients are the same.")
    out += [f"note: {note}" for note in d.notes]
    wrapped = (textwrap.fill(line, 118, subsequent_indent="    ") if len(line) > 118 else line for line in out)
    return "\n".join(wrapped).strip()
