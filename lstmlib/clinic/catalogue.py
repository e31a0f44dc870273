"""Ways in which an LSTM's backward pass is written wrong, place by place, and a backward pass that has them on demand.

    backward(weights, now, {"right": dY}, {"dc": "not carried", "slope of g": "missing"})

FORWARDS are the forward passes that are known, WAYS the faults: {place: {what: how it is done}}. Where one `what` has
several ways, they are told apart by a note behind a semicolon, which `name` takes off.
"""

from itertools import permutations
from types import SimpleNamespace

import numpy as np

from ..cell import sigmoid

# ---- forward: the LSTM of `lstmlib`, and what others compute instead

FORWARDS = {
    "standard": {}, "h = o * c, without tanh": {"squash": "none"},
    "the squashed cell is carried": {"squash": "carried"},
    "candidate through a sigmoid": {"candidate": "sigmoid"}, "candidate through tanh(z/2)": {"candidate": "half"},
    "h = o * tanh(c/2)": {"squash": "half"}, "tanh(x/2) for both tanh": {"candidate": "half", "squash": "half"},
    "coupled gates, f = 1 - i": {"coupled": "f"}, "coupled gates, i = 1 - f": {"coupled": "i"},
    "sigmoid output": {"output": "sigmoid"}, "a bias used twice": {"bias": 2},
    "no biases": {"bias": 0, "by": 0}, "no biases in the gates": {"bias": 0}, "no bias in the outputs": {"by": 0},
    "gate o with the bias of i": {"bias_of_o": "i"}, "no output layer": {"output": "h"}}
FORWARDS |= {f"{name}; {output}": way | FORWARDS[output] for name, way in FORWARDS.items()
             for output in ("sigmoid output", "no output layer") if way and "output" not in way}
FORWARDS |= {f"{name}; {bias}": way | FORWARDS[bias] for name, way in FORWARDS.items()
             for bias in ("a bias used twice", "no biases in the gates")
             if way and not way.keys() & {"bias", "by"} and name not in ("sigmoid output", "no output layer")
             and not ("bias_of_o" in way and bias.startswith("no"))}
FORWARDS |= {"h = o * c, without tanh; candidate through a sigmoid": {"squash": "none", "candidate": "sigmoid"}}
CANDIDATE = {"tanh": (np.tanh, lambda g: 1 - g * g), "sigmoid": (sigmoid, lambda g: g * (1 - g)),
             "half": (lambda z: np.tanh(z / 2), lambda g: (1 - g * g) / 2)}
SQUASH = {"tanh": (np.tanh, lambda c, tc: 1 - tc * tc),
          "half": (lambda c: np.tanh(c / 2), lambda c, tc: (1 - tc * tc) / 2),
          "none": (lambda c: c, lambda c, tc: 1 + 0 * c), "carried": (lambda c: c, lambda c, tc: 1 - c * c)}


def forward(weights, X, way):
    """One of the FORWARDS: what it leaves behind for `backward`, with states (T+1, B, H) that begin with zeros.

    With way["peepholes"], (3, H), c enters the gates i, f and o as well: c_(t-1), and into o c_t unless o looks back.
    """
    (T, B, _), H = X.shape, weights.H
    activate, squash = CANDIDATE[way.get("candidate", "tanh")][0], SQUASH[way.get("squash", "tanh")][0]
    p_i, p_f, p_o = way.get("peepholes", (0, 0, 0))
    b = weights.b * way.get("bias", 1)
    if "bias_of_o" in way:
        b = np.concatenate([b[:3 * H], b[:H]])
    hs, cs, gates = np.zeros((T + 1, B, H)), np.zeros((T + 1, B, H)), np.zeros((T, B, 4, H))
    for t in range(T):
        z = (X[t] @ weights.Wx + hs[t] @ weights.Wh + b).reshape(B, 4, H).swapaxes(0, 1)
        i, f, g = sigmoid(z[0] + p_i * cs[t]), sigmoid(z[1] + p_f * cs[t]), activate(z[2])
        if "coupled" in way:
            i, f = (i, 1 - i) if way["coupled"] == "f" else (1 - f, f)
        c = f * cs[t] + i * g
        o = sigmoid(z[3] + p_o * (cs[t] if "looks back" in way else c))
        cs[t + 1] = np.tanh(c) if way.get("squash") == "carried" else c
        hs[t + 1] = o * squash(cs[t + 1])
        gates[t] = np.stack([i, f, g, o], axis=1)
    logits = hs[1:] if way.get("output") == "h" else hs[1:] @ weights.Wy + weights.by * way.get("by", 1)
    return SimpleNamespace(x=X, hs=hs, cs=cs, gates=gates, logits=logits, way=way)


def outputs(now):
    """What a squared error compares with its targets."""
    return sigmoid(now.logits) if now.way.get("output") == "sigmoid" else now.logits


# ---- the losses, and the gradients of the outputs that are taken for theirs

def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def losses(kind, way, logits, target):
    """The loss of each item, (T, B), and {what: the gradient of the logits that goes by this name}."""
    if kind == "cross entropy":
        target = np.eye(logits.shape[-1])[target]
        if way.get("output") == "sigmoid":
            p, loss = sigmoid(logits), (np.logaddexp(0, logits) - target * logits).sum(-1)
        else:
            z = logits - logits.max(-1, keepdims=True)
            p, loss = softmax(logits), np.log(np.exp(z).sum(-1)) - (target * z).sum(-1)
        error = p - target
        return loss, {
            "right": error, "head: an extra slope": error * p * (1 - p),
            "head: an extra slope; the diagonal of the softmax Jacobian alone": target * error,
            "loss: of another loss; squared error behind the softmax": p * (error - (error * p).sum(-1, keepdims=True)),
            "loss: of another loss; squared error of the logits": logits - target,
            "loss: of another loss; a sigmoid for each class": sigmoid(logits) - target,
            "loss: of another loss; tanh": np.tanh(logits) - target,
            "loss: of another loss; p, without the target": p, "loss: of another loss; -1/p": -target / p}
    if way.get("output") == "sigmoid":
        y = sigmoid(logits)
        error = y - target
        return 0.5 * (error ** 2).sum(-1), {
            "right": error * y * (1 - y), "loss: of another loss; without the output's slope": error,
            "head: an extra slope": error * (y * (1 - y)) ** 2,
            "head: an extra slope; at the activation": error * sigmoid(y) * (1 - sigmoid(y))}
    error, y = logits - target, logits
    return 0.5 * (error ** 2).sum(-1), {
        "right": error, "head: an extra slope; y(1 - y)": error * y * (1 - y),
        "head: an extra slope; 1 - y^2": error * (1 - y * y),
        "head: an extra slope; 1 - tanh(y)^2": error * (1 - np.tanh(y) ** 2),
        "head: an extra slope; of sigmoid": error * sigmoid(y) * (1 - sigmoid(y)),
        "loss: of another loss; the sign of the error": np.sign(error),
        "loss: of another loss; cubed": error ** 3, "loss: of another loss; softmax": softmax(y) - target,
        "loss: of another loss; sigmoid": sigmoid(y) - target, "loss: of another loss; tanh": np.tanh(y) - target}


# ---- the ways of being wrong. States are lists (T+1, ...) that begin with h0 or c0.

def first(a, row):
    return np.concatenate([row[None], a[1:]])


def early(s):
    """s[t - 1] of the list s that begins at t = 0; at t = 0 it wraps round."""
    return np.roll(s, 1, axis=0)


BEFORE = {
    "right": lambda a: a[:-1], "one index early; -1 wraps round": lambda a: early(a)[:-1],
    "one index early; zero at the first": lambda a: np.concatenate([a[:1] * 0, a[:-2]]),
    "one index early; in a list without the first state": lambda a: early(early(a[1:])),
    "one index late": lambda a: a[1:], "the first one wrong; the last: -1 wraps round": lambda a: first(a[:-1], a[-1]),
    "the first one wrong; the output of the first step": lambda a: first(a[:-1], a[1])}
AT = {
    "right": lambda a: a[1:], "one index early": lambda a: a[:-1],
    "one index early; -1 wraps round": lambda a: early(a[1:]),
    "one index late; wraps round": lambda a: np.roll(a[1:], -1, axis=0),
    "one index late; the last stays": lambda a: np.concatenate([a[2:], a[-1:]]),
    "one index late; zero at the last": lambda a: np.concatenate([a[2:], a[:1] * 0]),
    "the first one wrong; the state before": lambda a: first(a[1:], a[0]),
    "the first one wrong; the last": lambda a: first(a[1:], a[-1])}
X = {"another than forward's; one early": early, "another than forward's; one late": lambda x: np.roll(x, -1, axis=0),
     "another than forward's; the first": lambda x: x[:1] + 0 * x}
CACHES = {"of the last step": "gates c c_prev h_prev", "of the last step; x too": "gates c c_prev h_prev x",
          "of the last step; x and h too": "gates c c_prev h_prev x h",
          "of the last step; h too": "gates c c_prev h_prev h",
          "of the last step; gates and c": "gates c", "of the last step; gates alone": "gates",
          "of the last step; gates, c and c before": "gates c c_prev"}
OF_SIGMOID = {
    "at the activation": lambda a, c: sigmoid(a) * (1 - sigmoid(a)), "missing": lambda a, c: 1 + 0 * a,
    "the function itself": lambda a, c: a, "the function itself; at the activation": lambda a, c: sigmoid(a),
    "of another function; tanh": lambda a, c: 1 - a * a,
    "of another function; tanh, at the activation": lambda a, c: 1 - np.tanh(a) ** 2,
    "of another function; 1 - the activation": lambda a, c: 1 - a}
OF_TANH = {
    "at the activation": lambda a, c: 1 - np.tanh(a) ** 2, "missing": lambda a, c: 1 + 0 * a,
    "the function itself": lambda a, c: a, "the function itself; at the activation": lambda a, c: np.tanh(a),
    "of another function; tanh": lambda a, c: 1 - a * a, "of another function; sigmoid": lambda a, c: a * (1 - a),
    "of another function; sigmoid, at the activation": lambda a, c: sigmoid(a) * (1 - sigmoid(a)),
    "of another function; 1 - c^2": lambda a, c: 1 - c * c,
    "of another function; 1 - tanh(c)^2": lambda a, c: 1 - np.tanh(c) ** 2,
    "of another function; 1 - the activation": lambda a, c: 1 - a,
    "of another function; 1 - 2 * the activation": lambda a, c: 1 - 2 * a}
OF_CELL = {
    "1 - c^2": lambda c, h: 1 - c * c, "at the activation": lambda c, h: 1 - np.tanh(np.tanh(c)) ** 2,
    "missing": lambda c, h: 1 + 0 * c, "tanh(c^2)": lambda c, h: 1 - np.tanh(c ** 2),
    "tanh(c^2); squared": lambda c, h: 1 - np.tanh(c ** 2) ** 2, "the function itself": lambda c, h: np.tanh(c),
    "of h": lambda c, h: 1 - h * h, "of h; 1 - tanh(h)^2": lambda c, h: 1 - np.tanh(h) ** 2,
    "of another function; sigmoid": lambda c, h: sigmoid(c) * (1 - sigmoid(c)),
    "of another function; sigmoid, of tanh(c)": lambda c, h: np.tanh(c) * (1 - np.tanh(c)),
    "of another function; 1 - tanh(c)": lambda c, h: 1 - np.tanh(c),
    "of another function; tanh": lambda c, h: 1 - np.tanh(c) ** 2}


def back(m, dz):
    """What dz of the four gates sends back into h_(t-1)."""
    return flat(dz) @ m.Wh.T


def flat(dz):
    return dz.reshape(*dz.shape[:-2], -1)


def without_slopes(m):
    i, f, g, o = m.gate[m.t]
    return back(m, np.stack([m.dc * g, m.dc * m.c_prev[m.t], m.dc * i, m.dh * m.tc[m.t]], axis=-2))


def without(gate):
    return lambda m: back(m, m.dz * (np.arange(4) != gate)[:, None])


DH = {
    "right": lambda m: back(m, m.dz), "not carried": lambda m: 0 * m.dh, "without Wh": lambda m: m.dh,
    "added twice": lambda m: 2 * back(m, m.dz),
    "without Wh; the sum of the four dz": lambda m: m.dz.sum(axis=-2),
    "Wh not transposed": lambda m: sum(m.dz[..., k, :] @ Wh for k, Wh in enumerate(np.split(m.Wh, 4, axis=1))),
    "without the slopes of the gates": without_slopes,
    "from the wrong end of [x, h]": lambda m: (flat(m.dz) @ np.concatenate([m.Wx, m.Wh]).T)[..., :len(m.Wh)],
    "from the wrong end of [x, h]; of [h, x]": lambda m: (
        flat(m.dz) @ np.concatenate([m.Wh, m.Wx]).T)[..., -len(m.Wh):],
    "from dh alone": lambda m: back(m, np.concatenate(
        [m.dc_alone[..., None, :] * m.local[m.t][:, :3], m.dz[..., 3:, :]], axis=-2)),
    **{f"without gate {k}": without(n) for n, k in enumerate("ifgo")}}
DC = {
    "right": lambda m: m.dc * m.gate[m.t][1], "not carried": lambda m: 0 * m.dc, "without f": lambda m: m.dc,
    "added twice": lambda m: 2 * m.dc * m.gate[m.t][1], "times another gate; i": lambda m: m.dc * m.gate[m.t][0],
    "times another gate; o": lambda m: m.dc * m.gate[m.t][3],
    "times f of another timestep; one early": lambda m: m.dc * m.gate[m.t - 1][1],
    "times f of another timestep; one late": lambda m: m.dc * m.gate[(m.t + 1) % m.T][1],
    "times f of another timestep; one late, the last stays": lambda m: m.dc * m.gate[min(m.t + 1, m.T - 1)][1],
    **{f"times f of another timestep; one late, {f} at the last": lambda m, f=f: m.dc * (
        m.gate[m.t + 1][1] if m.t + 1 < m.T else f) for f in (0, 1)},
    "times the slope of tanh(c)": lambda m: m.dc * m.gate[m.t][1] * (1 - np.tanh(m.cs[m.t]) ** 2)}
# (timesteps that the loop visits, those whose sums are kept, those of the head, whether dY is read at t = -1)
TIMESTEPS = {
    "right": lambda T: (range(T), range(T), range(T)),
    "first left out": lambda T: (range(T), range(1, T), range(T)),
    "first left out; of the head too": lambda T: (range(T), range(1, T), range(1, T)),
    "last left out": lambda T: (range(T - 1), range(T - 1), range(T)),
    "last left out; of the head too": lambda T: (range(T - 1), range(T - 1), range(T - 1)),
    "last left out; of the sums alone": lambda T: (range(T), range(T - 1), range(T)),
    "last left out; of all sums": lambda T: (range(T), range(T - 1), range(T - 1)),
    "last only": lambda T: (range(T - 1, T), range(T - 1, T), range(T)),
    "last only; of the head too": lambda T: (range(T - 1, T), range(T - 1, T), range(T - 1, T)),
    **{f"one step too far; {states}, {head}, {loss}": lambda T, head=head: (
        range(-1, T), range(-1, T), range(0 if head == "the head not" else -1, T))
       for states in ("-1 wraps round", "lists with the first state")
       for head in ("the head not", "the head too", "the head too with h = 0")
       for loss in ("with a loss", "without a loss")}}
PEEPHOLES = {  # through which gates what comes back is left out
    "left out of dc": "ifo", "left out of dc; of i and f": "if", "left out of dc; of o": "o"}
KEPT = {  # of these timesteps those that are left in the sum
    "last timestep only": lambda steps, T: [t for t in steps if t == T - 1] or steps[-1:],
    "overwritten at each step": lambda steps, T: steps[:1], "left at zero": lambda steps, T: []}
HEAD = {"an inner product; over the hidden units": lambda h, dY: np.broadcast_to(
            np.einsum("tbh,...tbk->...k", h, dY)[..., None, :], (*dY.shape[:-3], h.shape[-1], dY.shape[-1])),
        "an inner product; over the outputs": lambda h, dY: np.broadcast_to(
            np.einsum("tbh,...tbk->...h", h, dY)[..., :, None], (*dY.shape[:-3], h.shape[-1], dY.shape[-1]))}
DZ = {f"in another order; {', '.join(order)} for i, f, g, o": ["ifgo".index(k) for k in order]
      for order in permutations("ifgo") if order != tuple("ifgo")}
LIMITS = (1, 5, 10, 0.5, 2, 3, 0.1, 15, 20, 25, 50, 100)  # at which published code clips
WAYS = {
    "states before t": BEFORE, "h before t": BEFORE, "c before t": BEFORE,
    "states at t": AT, "h at t": AT, "c at t": AT,
    "caches": CACHES,
    "h and c": {"one array; of c": "c", "one array; of h": "h", "one array; c for h in the head": "head"},
    "x": X, "slope of i": OF_SIGMOID, "slope of f": OF_SIGMOID, "slope of o": OF_SIGMOID, "slope of g": OF_TANH,
    "slope of tanh(c)": OF_CELL | {"without gate o": None}, "dz": DZ, "dh": DH, "dc": DC, "timesteps": TIMESTEPS,
    "coupled gates": ("one path left out",), "peepholes": PEEPHOLES, "gate o": ("from the loss alone",),
    "sums": ("overwritten at each step", "overwritten at each step; of the head too"),
    "Wx": KEPT, "Wh": KEPT, "b": KEPT, "Wy": KEPT, "by": KEPT, "head": HEAD,
    "loss at t": ("of the last step at every step",),
    **{f"bias of {k}": [f"delta of {j}" for j in "ifgo" if j != k] for k in "ifgo"}}


def name(what):
    """The words of a way, without the note that tells it from others of that name."""
    return (what[0] if isinstance(what, tuple) else what).partition("; ")[0]


def backward(weights, now, dYs, faults, given=False):
    """The gradient {array: (..., shape of the array)}, with faults {place: what, or (what, a number or array)}.

    Beside it what was made on the way: dz of all timesteps, "above" (dh from the outputs), slopes, states.
    now   what `forward` left
    dYs   {"right": dY (..., T, B, K), and the gradients of other losses by their names}; with `given` dh instead of dY
    """
    way, of = now.way, faults.get
    m = states(now, faults)
    m.Wx, m.Wh, m.T, m.cs = weights.Wx, weights.Wh, len(now.x), now.cs
    if "too far" in of("timesteps", ""):
        one_more_row(m, now, of("timesteps"))
    slopes(m, way, faults)
    dY = upstream(dYs, faults)
    m.above = dY if given or way.get("output") == "h" else dY @ weights.Wy.T
    visited, summed, head = map(list, TIMESTEPS[of("timesteps", "right")](m.T))

    *lead, _, B, H = m.above.shape
    dz_all = np.zeros((*lead, m.T + 1, B, 4, H))
    dh_next = dc_next = np.zeros((*lead, B, H))
    each = of("1/|X|")[1] if of("1/|X|", ("",))[0] == "at every step" else 1
    clip, limit = of("clipped inside", ("", None))
    clipped = clip.partition("; ")[2].split(" and ")

    def cut(edge, gradient):
        return np.clip(gradient, -limit, limit) if edge in clipped else gradient

    def carried(place, ways):
        what = of(place, "right")
        return what[1][..., max(t - 1, 0), :, :] if isinstance(what, tuple) else ways[what](m)

    for t in reversed(visited):
        dh = dh_next
        if t >= 0 or "without a loss" not in of("timesteps", ""):
            dh = dh + m.above[..., t, :, :]
        dh = cut("dh", dh)
        dz = dz_all[..., t, :, :, :]
        dz[..., 3, :] = each * (dh - dh_next if of("gate o") else dh) * m.local[t][:, 3]
        dc_alone = dh * m.st[t] + m.peepholes[3] * dz[..., 3, :]
        dc = dc_alone + (dc_next * m.slope_of_squash[t] if way.get("squash") == "carried" else dc_next)
        dz[..., :3, :] = each * dc[..., None, :] * m.local[t][:, :3]
        dz[...] = cut("dz", dz)[..., DZ.get(of("dz"), slice(None)), :]
        m.t, m.dz, m.dh, m.dc, m.dc_alone = t, dz, dh, dc, each * dc_alone
        dh_next, dc_next = carried("dh", DH), carried("dc", DC)
        if "peepholes" in way and not isinstance(of("dc"), tuple):
            dc_next = dc_next + through_peepholes(m, dz)
        dh_next, dc_next = cut("dh_next", dh_next), cut("dc_next", dc_next)
    m.dz = dz_all[..., :m.T, :, :, :]
    return sums(m, dY, dz_all, summed, head, faults, way, given), m


def upstream(dYs, faults):
    """The gradient that enters the outputs."""
    kinds = [f"{place}: {faults[place]}" for place in ("loss", "head") if isinstance(faults.get(place), str)]
    dY = dYs[next((kind for kind in kinds if kind in dYs), "right")]
    if isinstance(faults.get("loss"), tuple):
        dY = faults["loss"][1]
    return np.broadcast_to(dY[..., -1:, :, :], dY.shape) if "loss at t" in faults else dY


def through_peepholes(m, dz):
    """What comes back into c_(t-1) from the gates that look at it."""
    return sum(p * dz[..., k, :] for p, k in zip(m.peepholes, (0, 1, 3)))


def states(now, faults):
    """What the backward pass reads of the forward pass."""
    of = faults.get
    hs = now.cs if of("h and c") == "one array; of c" else now.hs
    cs = now.hs if of("h and c") == "one array; of h" else now.cs
    m = SimpleNamespace(
        h_prev=BEFORE[of("h before t") or of("states before t", "right")](hs),
        c_prev=BEFORE[of("c before t") or of("states before t", "right")](cs),
        h=AT[of("h at t") or of("states at t", "right")](hs), c=AT[of("c at t") or of("states at t", "right")](cs),
        x=X[of("x")](now.x) if of("x") else now.x, gates=now.gates)
    if of("h and c") == "one array; c for h in the head":
        m.h = cs[1:]
    for field in CACHES[of("caches")].split() if of("caches") else ():
        setattr(m, field, np.broadcast_to(getattr(m, field)[-1:], getattr(m, field).shape))
    p_i, p_f, p_o = (0 if k in PEEPHOLES.get(of("peepholes"), "") else p
                     for k, p in zip("ifo", now.way.get("peepholes", (0, 0, 0))))
    m.peepholes = (p_i, p_f, p_o, 0) if "looks back" in now.way else (p_i, p_f, 0, p_o)
    return m


def one_more_row(m, now, what):
    """What t = -1 reads: the last of every list, or, in lists that begin with the first state, that one as h and c."""
    rows = {field: getattr(m, field)[-1:] for field in ("x", "gates", "h", "c", "h_prev", "c_prev")}
    if "lists" in what:
        rows |= {"h": now.hs[:1], "c": now.cs[:1], "h_prev": now.hs[-1:], "c_prev": now.cs[-1:]}
    if "h = 0" in what:
        rows["h"] = 0 * now.hs[:1]
    for field, row in rows.items():
        setattr(m, field, np.concatenate([getattr(m, field), row]))


def slopes(m, way, faults):
    """The local derivatives: m.st (dc per dh), m.local (dz per dc, of o per dh)."""
    i, f, g, o = (m.gates[:, :, k] for k in range(4))
    m.gate = m.gates.swapaxes(1, 2)
    squash, slope = SQUASH[way.get("squash", "tanh")]
    m.tc = squash(m.c)
    m.slope_of_squash = slope(m.c, m.tc)

    def slope_of(name, right, table, *at):
        what = faults.get(f"slope of {name}", "right")
        if isinstance(what, tuple):  # times a number, or an array over timesteps, whose last row stands for one more
            return right * (what[1] if np.ndim(what[1]) == 0 else what[1][np.arange(len(right)).clip(max=m.T - 1)])
        return table[what](*at) if what in table else right

    m.st = slope_of("tanh(c)", m.slope_of_squash, OF_CELL, m.c, m.h)
    if faults.get("slope of tanh(c)") != "without gate o":
        m.st = o * m.st
    through_i, through_f = g, m.c_prev
    both = 0 if "coupled gates" in faults else 1  # of the paths through i and through f
    if way.get("coupled") == "f":
        through_i, through_f = g - both * m.c_prev, 0 * m.c_prev
    if way.get("coupled") == "i":
        through_i, through_f = 0 * g, m.c_prev - both * g
    of_g = OF_TANH
    if way.get("candidate") == "sigmoid":
        of_g = OF_TANH | {"at the activation": OF_SIGMOID["at the activation"]}
    m.local = np.stack([through_i * slope_of("i", i * (1 - i), OF_SIGMOID, i, m.c),
                        through_f * slope_of("f", f * (1 - f), OF_SIGMOID, f, m.c),
                        i * slope_of("g", CANDIDATE[way.get("candidate", "tanh")][1](g), of_g, g, m.c),
                        m.tc * slope_of("o", o * (1 - o), OF_SIGMOID, o, m.c)], axis=2)


def sums(m, dY, dz, summed, head, faults, way, given):
    """The five sums over time, of what each timestep contributes."""
    of, lead = faults.get, dz.shape[:-4]
    if of("1/|X|", ("",))[0] == "mean of means":
        share = of("1/|X|")[1][:dz.shape[-3]]
        dz, dY = dz * share[:, None, None], dY * share[:, None]

    def steps(array):
        visited, what = summed if array in ("Wx", "Wh", "b") else head, of(array)
        if array in ("Wx", "Wh", "b") or "head" in of("sums", ""):
            what = of("sums", what)
        return visited if what is None or isinstance(what, tuple) else KEPT[name(what)](visited, m.T)

    def over(array, states, gradient):
        """The sum of the outer products of states and gradients."""
        left, right = states[steps(array)], gradient[..., steps(array), :, :]
        return left.reshape(-1, left.shape[-1]).T @ right.reshape(*lead, -1, right.shape[-1])

    db = dz[..., steps("b"), :, :, :].sum(axis=(-4, -3))
    db = db[..., ["ifgo".index(of(f"bias of {k}", k)[-1]) for k in "ifgo"], :] * way.get("bias", 1)
    if "bias_of_o" in way:
        db[..., 0, :] += db[..., 3, :]
        db[..., 3, :] = 0
    gradient = {"Wx": over("Wx", m.x, flat(dz)), "Wh": over("Wh", m.h_prev, flat(dz)), "b": flat(db)}
    if not given and way.get("output") == "h":
        gradient |= {"Wy": np.zeros((*lead, m.h.shape[-1], dY.shape[-1])), "by": np.zeros((*lead, dY.shape[-1]))}
    elif not given:
        ts = steps("Wy")
        gradient["Wy"] = HEAD[of("head")](m.h[ts], dY[..., ts, :, :]) if of("head") in HEAD else over("Wy", m.h, dY)
        gradient["by"] = dY[..., steps("by"), :, :].sum(axis=(-3, -2)) * way.get("by", 1)
    for array in gradient:
        if isinstance(of(array), tuple) and of(array)[0] == "a constant factor":
            gradient[array] = gradient[array] * of(array)[1]
    return gradient
