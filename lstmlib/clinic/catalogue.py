"""Ways in which an LSTM's backward pass is written wrong, place by place, and a backward pass that has them on demand.

    backward(weights, now, {"right": dY}, {"dc": "not carried", "slope of g": "missing"})

FORWARDS are the forward passes that are known, WAYS the faults: {place: {what: how it is done}}. Where one `what` has
several ways, they are told apart by a note behind a semicolon, which `name` takes off.
"""

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
        K = logits.shape[-1]
        target = np.eye(K)[target]
        p = sigmoid(logits) if way.get("output") == "sigmoid" else softmax(logits)
        if way.get("output") == "sigmoid":
            loss = (np.logaddexp(0, logits) - target * logits).sum(-1)
        else:
            loss = -(target * (logits - logits.max(-1, keepdims=True))).sum(-1) + np.log(
                np.exp(logits - logits.max(-1, keepdims=True)).sum(-1))
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


BEFORE = {  # right: a[:-1]
    "one index early; -1 wraps round": lambda a: early(a)[:-1],
    "one index early; zero at the first": lambda a: np.concatenate([a[:1] * 0, a[:-2]]),
    "one index early; in a list without the first state": lambda a: early(early(a[1:])),
    "one index late": lambda a: a[1:],
    "the first one wrong; the last: -1 wraps round": lambda a: first(a[:-1], a[-1]),
    "the first one wrong; the output of the first step": lambda a: first(a[:-1], a[1])}
AT = {  # right: a[1:]
    "one index early": lambda a: a[:-1], "one index early; -1 wraps round": lambda a: early(a[1:]),
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
    "of another function; 1 - a": lambda a, c: 1 - a}
OF_TANH = {
    "at the activation": lambda a, c: 1 - np.tanh(a) ** 2, "missing": lambda a, c: 1 + 0 * a,
    "the function itself": lambda a, c: a, "the function itself; at the activation": lambda a, c: np.tanh(a),
    "of another function; tanh": lambda a, c: 1 - a * a, "of another function; sigmoid": lambda a, c: a * (1 - a),
    "of another function; sigmoid, at the activation": lambda a, c: sigmoid(a) * (1 - sigmoid(a)),
    "of another function; 1 - c^2": lambda a, c: 1 - c * c,
    "of another function; 1 - tanh(c)^2": lambda a, c: 1 - np.tanh(c) ** 2,
    "of another function; 1 - a": lambda a, c: 1 - a, "of another function; 1 - 2a": lambda a, c: 1 - 2 * a}
OF_CELL = {
    "1 - c^2": lambda c: 1 - c * c, "at the activation": lambda c: 1 - np.tanh(np.tanh(c)) ** 2,
    "missing": lambda c: 1 + 0 * c, "tanh(c^2)": lambda c: 1 - np.tanh(c ** 2),
    "tanh(c^2); squared": lambda c: 1 - np.tanh(c ** 2) ** 2, "the function itself": np.tanh,
    "of another function; sigmoid": lambda c: sigmoid(c) * (1 - sigmoid(c)),
    "of another function; sigmoid, of tanh(c)": lambda c: np.tanh(c) * (1 - np.tanh(c)),
    "of another function; 1 - tanh(c)": lambda c: 1 - np.tanh(c),
    "of another function; tanh": lambda c: 1 - np.tanh(c) ** 2}


def wrong_end(m, t, dz, dh, dc, dh_only):
    return (flat(dz) @ np.concatenate([m.Wx, m.Wh]).T)[..., :m.H]


def wrong_end_hx(m, t, dz, dh, dc, dh_only):
    return (flat(dz) @ np.concatenate([m.Wh, m.Wx]).T)[..., -m.H:]


def without_slopes(m, t, dz, dh, dc, dh_only):
    i, f, g, o = m.gate[t]
    return flat(np.stack([dc * g, dc * m.c_prev[t], dc * i, dh * m.tc[t]], axis=-2)) @ m.Wh.T


def flat(dz):
    return dz.reshape(*dz.shape[:-2], -1)


def without(gate):
    def carry(m, t, dz, dh, dc, dh_only):
        dz = dz.copy()
        dz[..., gate, :] = 0
        return flat(dz) @ m.Wh.T
    return carry


DH = {
    "right": lambda m, t, dz, dh, dc, dh_only: flat(dz) @ m.Wh.T,
    "not carried": lambda m, t, dz, dh, dc, dh_only: 0 * dh,
    "without Wh": lambda m, t, dz, dh, dc, dh_only: dh,
    "without Wh; the sum of the four dz": lambda m, t, dz, dh, dc, dh_only: dz.sum(axis=-2),
    "Wh not transposed": lambda m, t, dz, dh, dc, dh_only: sum(dz[..., k, :] @ Wh for k, Wh in enumerate(m.Wh_of)),
    "without the slopes of the gates": without_slopes,
    "from the wrong end of [x, h]": wrong_end, "from the wrong end of [x, h]; of [h, x]": wrong_end_hx,
    "from dh alone": lambda m, t, dz, dh, dc, dh_only: flat(dh_only()) @ m.Wh.T,
    **{f"without gate {k}": without(n) for n, k in enumerate("ifgo")}}
DC = {
    "right": lambda m, t, dc, dh: dc * m.gate[t][1], "not carried": lambda m, t, dc, dh: 0 * dc,
    "without f": lambda m, t, dc, dh: dc, "times another gate; i": lambda m, t, dc, dh: dc * m.gate[t][0],
    "times another gate; o": lambda m, t, dc, dh: dc * m.gate[t][3],
    "times f of another timestep; one early": lambda m, t, dc, dh: dc * m.gate[t - 1][1],
    "times f of another timestep; one late": lambda m, t, dc, dh: dc * m.gate[(t + 1) % m.T][1],
    "times the slope of tanh(c)": lambda m, t, dc, dh: dc * m.gate[t][1] * (1 - np.tanh(m.cs[t]) ** 2)}
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
KEPT = {"last timestep only": -1, "overwritten at each step": 0, "left at zero": None}  # what is left in the sum
HEAD = {"an inner product; over the hidden units": lambda h, dY: np.broadcast_to(
            np.einsum("tbh,...tbk->...k", h, dY)[..., None, :], (*dY.shape[:-3], h.shape[-1], dY.shape[-1])),
        "an inner product; over the outputs": lambda h, dY: np.broadcast_to(
            np.einsum("tbh,...tbk->...h", h, dY)[..., :, None], (*dY.shape[:-3], h.shape[-1], dY.shape[-1]))}
LIMITS = (1, 5, 10, 0.5, 2, 3, 0.1, 15, 20, 25, 50, 100)  # at which published code clips
WAYS = {
    "states before t": BEFORE, "h before t": BEFORE, "c before t": BEFORE,
    "states at t": AT, "h at t": AT, "c at t": AT,
    "caches": CACHES,
    "h and c": {"one array; of c": "c", "one array; of h": "h", "one array; c for h in the head": "head"},
    "x": X, "slope of i": OF_SIGMOID, "slope of f": OF_SIGMOID, "slope of o": OF_SIGMOID, "slope of g": OF_TANH,
    "slope of tanh(c)": OF_CELL | {"without gate o": None}, "dh": DH, "dc": DC, "timesteps": TIMESTEPS,
    "coupled gates": {"one path left out": None}, "peepholes": dict.fromkeys(PEEPHOLES),
    "gate o": {"from the loss alone": None},
    "sums": {"overwritten at each step": 0, "overwritten at each step; of the head too": 0},
    "Wx": KEPT, "Wh": KEPT, "b": KEPT, "Wy": KEPT, "by": KEPT, "head": HEAD,
    "loss at t": {"of the last step at every step": None},
    **{f"bias of {k}": {f"delta of {j}": n for n, j in enumerate("ifgo") if j != k} for k in "ifgo"}}


def name(what):
    """The words of a way, without the note that tells it from others of that name."""
    return (what[0] if isinstance(what, tuple) else what).partition("; ")[0]


def backward(weights, now, dYs, faults, given=False, kept=None):
    """The gradient {array: (..., shape of the array)}, with faults {place: what, or (what, a number or array)}.

    now   what `forward` left
    dYs   {"right": dY (..., T, B, K), and the gradients of other losses by their names}; with `given` dh instead of dY
    kept  a dict that takes dz, dh and dc of all timesteps
    """
    way, of = now.way, faults.get
    T, B, H = now.hs[1:].shape
    m = states(now, faults)
    m.Wx, m.Wh, m.H, m.T, m.cs = weights.Wx, weights.Wh, H, T, now.cs
    if "too far" in of("timesteps", ""):
        one_more_row(m, now, of("timesteps"))
    m.Wh_of = np.split(weights.Wh, 4, axis=1)
    slopes(m, way, faults)

    kinds = [what for place, what in faults.items() if place in ("loss", "head") and f"{place}: {what}" in dYs]
    where = next((place for place in ("loss", "head") if of(place) in kinds), None)
    dY = dYs["right" if where is None else f"{where}: {of(where)}"]
    if isinstance(of("loss"), tuple):
        dY = of("loss")[1]
    if of("loss at t"):
        dY = np.broadcast_to(dY[..., -1:, :, :], dY.shape)
    above = dY if given or way.get("output") == "h" else dY @ weights.Wy.T

    visited, summed, head = map(list, TIMESTEPS[of("timesteps", "right")](T))
    lead = dY.shape[:-3]
    dz_all = np.zeros((*lead, T + 1, B, 4, H))
    dh_all, dc_all = np.zeros((2, *lead, T + 1, B, H))
    dh_next = dc_next = np.zeros((*lead, B, H))
    carry_h, carry_c = of("dh", "right"), of("dc", "right")
    each = of("1/|X|")[1] if of("1/|X|", ("",))[0] == "at every step" else 1
    clip, limit = of("clipped inside", (None, None))[:2]
    p_i, p_f, p_o = (0 if k in PEEPHOLES.get(of("peepholes"), "") else p
                     for k, p in zip("ifo", way.get("peepholes", (0, 0, 0))))
    m.peepholes = (p_i, p_f, p_o, 0) if "looks back" in way else (p_i, p_f, 0, p_o)
    for t in reversed(visited):
        dh = dh_next
        if t >= 0 or "without a loss" not in of("timesteps", ""):
            dh = dh + above[..., t, :, :]
        if clip == "at each step; dh":
            dh = np.clip(dh, -limit, limit)
        dz = dz_all[..., t, :, :, :]
        into_o = dh - dh_next if of("gate o") else dh
        dz[..., 3, :] = each * into_o * m.local[t][:, 3]
        dc_alone = dh * m.st[t] + m.peepholes[3] * dz[..., 3, :]
        dc = dc_alone + (dc_next * m.slope_of_squash[t] if way.get("squash") == "carried" else dc_next)
        dz[..., :3, :] = each * dc[..., None, :] * m.local[t][:, :3]
        if clip == "at each step; dz":
            np.clip(dz, -limit, limit, out=dz)
        dh_all[..., t, :, :], dc_all[..., t, :, :] = dh, dc
        if isinstance(carry_h, tuple):
            dh_next = carry_h[1][..., max(t - 1, 0), :, :]
        else:
            dh_next = DH[carry_h](m, t, dz, dh, dc, lambda: np.concatenate(
                [(each * dc_alone)[..., None, :] * m.local[t][:, :3], dz[..., 3:, :]], axis=-2))
        if isinstance(carry_c, tuple):
            dc_next = carry_c[1][..., max(t - 1, 0), :, :]
        else:
            dc_next = DC[carry_c](m, t, dc, dh)
            dc_next = dc_next + through_peepholes(m, dz) if "peepholes" in way else dc_next
        if clip in ("at each step; dh_next", "at each step; dh_next and dc_next"):
            dh_next = np.clip(dh_next, -limit, limit)
        if clip in ("at each step; dc_next", "at each step; dh_next and dc_next"):
            dc_next = np.clip(dc_next, -limit, limit)
    if kept is not None:
        kept |= {"dz": dz_all[..., :T, :, :, :], "dh": dh_all[..., :T, :, :], "dc": dc_all[..., :T, :, :],
                 "m": m, "above": above}
    return sums(m, dY, dz_all, summed, head, faults, way, given)


def through_peepholes(m, dz):
    """What comes back into c_(t-1) from the gates that look at it."""
    return sum(p * dz[..., k, :] for p, k in zip(m.peepholes, (0, 1, 3)))


def states(now, faults):
    """What the backward pass reads of the forward pass."""
    of = faults.get
    hs, cs = now.hs, now.cs
    if of("h and c") == "one array; of c":
        hs = cs
    if of("h and c") == "one array; of h":
        cs = hs

    def read(place, both, table, right, a):
        what = of(place, of(both))
        return right(a) if what is None or isinstance(what, tuple) else table[what](a)

    m = SimpleNamespace(
        h_prev=read("h before t", "states before t", BEFORE, lambda a: a[:-1], hs),
        c_prev=read("c before t", "states before t", BEFORE, lambda a: a[:-1], cs),
        h=read("h at t", "states at t", AT, lambda a: a[1:], hs),
        c=read("c at t", "states at t", AT, lambda a: a[1:], cs),
        x=X[of("x")](now.x) if of("x") else now.x, gates=now.gates)
    if of("h and c") == "one array; c for h in the head":
        m.h = cs[1:]
    for field in CACHES[of("caches")].split() if of("caches") else ():
        setattr(m, field, np.broadcast_to(getattr(m, field)[-1:], getattr(m, field).shape))
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


def rows(measured, like):
    """A number as it is; an array over timesteps with its last row again where there is one more."""
    if np.ndim(measured) == 0 or len(measured) == len(like):
        return measured
    return np.concatenate([measured, measured[-1:]])


def slopes(m, way, faults):
    """The local derivatives: m.st (dc per dh), m.local (dz per dc, of o per dh)."""
    of = faults.get
    i, f, g, o = (m.gates[:, :, k] for k in range(4))
    m.gate = m.gates.swapaxes(1, 2)
    squash, slope = SQUASH[way.get("squash", "tanh")]
    m.tc = squash(m.c)
    what = of("slope of tanh(c)", "right")
    m.slope_of_squash = slope(m.c, m.tc)
    if isinstance(what, tuple):
        m.st = o * m.slope_of_squash * rows(what[1], o)
    elif what == "without gate o":
        m.st = m.slope_of_squash
    else:
        m.st = o * (m.slope_of_squash if what == "right" else OF_CELL[what](m.c))

    def own(k, a, right, table):
        what = of(f"slope of {k}", "right")
        if isinstance(what, tuple):
            return right * rows(what[1], right)
        return right if what == "right" else table[what](a, m.c)

    through_i, through_f = g, m.c_prev
    both = 0 if of("coupled gates") else 1  # of the paths through i and through f
    if way.get("coupled") == "f":
        through_i, through_f = g - both * m.c_prev, 0 * m.c_prev
    if way.get("coupled") == "i":
        through_i, through_f = 0 * g, m.c_prev - both * g
    of_g = OF_TANH
    if way.get("candidate") == "sigmoid":
        of_g = OF_TANH | {"at the activation": OF_SIGMOID["at the activation"]}
    m.local = np.stack([through_i * own("i", i, i * (1 - i), OF_SIGMOID),
                        through_f * own("f", f, f * (1 - f), OF_SIGMOID),
                        i * own("g", g, CANDIDATE[way.get("candidate", "tanh")][1](g), of_g),
                        m.tc * own("o", o, o * (1 - o), OF_SIGMOID)], axis=2)


def sums(m, dY, dz, summed, head, faults, way, given):
    """The five sums over time, of what each timestep contributes."""
    of = faults.get
    last = {None: lambda steps: [], 0: lambda steps: steps[:1],
            -1: lambda steps: [t for t in steps if t == m.T - 1] or steps[-1:]}
    both = of("sums") is not None

    def steps(array, all_of_them):
        if both and (array in ("Wx", "Wh", "b") or "head" in of("sums")):
            return all_of_them[:1]
        what = of(array)
        return all_of_them if what is None or isinstance(what, tuple) else last[KEPT[what]](all_of_them)

    lead, H4 = dz.shape[:-4], dz.shape[-1] * 4
    if of("1/|X|", ("",))[0] == "mean of means":
        share = of("1/|X|")[1][:dz.shape[-3]]
        dz, dY = dz * share[:, None, None], dY * share[:, None]

    def over(array, states):
        ts = steps(array, summed)
        left, right = states[ts], dz[..., ts, :, :, :]
        return left.reshape(-1, left.shape[-1]).T @ right.reshape(*lead, -1, H4)

    db = dz[..., steps("b", summed), :, :, :].sum(axis=(-4, -3))
    right = db.copy()
    for n, k in enumerate("ifgo"):
        what = of(f"bias of {k}")
        if isinstance(what, str):
            db[..., n, :] = right[..., WAYS[f"bias of {k}"][what], :]
    db = db * way.get("bias", 1)
    if "bias_of_o" in way:
        db[..., 0, :] += db[..., 3, :]
        db[..., 3, :] = 0
    gradient = {"Wx": over("Wx", m.x), "Wh": over("Wh", m.h_prev), "b": db.reshape(*lead, H4)}
    if not given and way.get("output") == "h":
        gradient |= {"Wy": np.zeros((*lead, m.h.shape[-1], dY.shape[-1])), "by": np.zeros((*lead, dY.shape[-1]))}
    elif not given:
        ts = steps("Wy", head)
        gradient["Wy"] = (HEAD[of("head")](m.h[ts], dY[..., ts, :, :]) if of("head") in HEAD else
                          m.h[ts].reshape(-1, m.h.shape[-1]).T @ dY[..., ts, :, :].reshape(*lead, -1, dY.shape[-1]))
        gradient["by"] = dY[..., steps("by", head), :, :].sum(axis=(-3, -2)) * way.get("by", 1)
    for array in gradient:
        if isinstance(of(array), tuple) and of(array)[0] == "a constant factor":
            gradient[array] = gradient[array] * of(array)[1]
    return gradient
