"""LSTMs as others write them, independent of the catalogue, with faults written down as one does by mistake.

`stranger`: columns, [h, x] joined, a matrix for each gate, caches in lists. `plain`: rows, all gates in one matrix.
"""

import numpy as np

from lstmlib.clinic import layouts


def sig(z):
    return 1 / (1 + np.exp(-z))


SLOPES = {"at the activation": "2", "missing": "1", "the function itself": "s", "of another function": "t",
          "a constant factor": "/2"}
# Every fault of the table, as diagnose names it, by the switch that `stranger` asks for.
FAULTS = {
    "dh: not carried": "dh0", "dh: without Wh": "dhI", "dh: Wh not transposed": "dhT",
    "dh: without the slopes of the gates": "dhS",
    "dh: from the wrong end of [x, h]": "dhE", "dh: from dh alone": "dhA", "dh: without gate o": "dh-o",
    "dh: without gate f": "dh-f", "gate o: from the loss alone": "oL", "dc: not carried": "dc0", "dc: without f": "dcF",
    **{f"slope of {k}: {what}": k + switch for k in "ifgo" for what, switch in SLOPES.items()
       if switch != "/2" or k in "ig"},
    "slope of tanh(c): 1 - c^2": "c2", "slope of tanh(c): at the activation": "cc",
    "slope of tanh(c): missing": "c1", "slope of tanh(c): tanh(c^2)": "ct", "states before t: one index early": "early",
    "states before t: one index late": "late", "h before t: one index early": "hearly",
    "c before t: one index early": "cearly",
    "states before t: the first one wrong": "wrap", "h0: a view": "view", "states at t: one index early": "atearly",
    "timesteps: first left out": "first", "timesteps: last left out": "last", "timesteps: last only": "only",
    "timesteps: one step too far": "far", "Wx: last timestep only": "Wxlast", "Wx: overwritten at each step": "Wx=",
    "Wh: overwritten at each step": "Wh=", "sums: overwritten at each step": "all=",
    "caches: of the last step": "stale",
    "loss: of the last step at every step": "lastloss", "loss: of another loss": "other",
    "loss: another factor than the gradient's": "factor", "bias of i: delta of f": "bi", "bias of o: delta of f": "bo",
    "h and c: one array": "alias", "x: another than forward's": "x", "head: an inner product": "inner",
    "head: an extra slope": "extra", "head: another count": "count", "added: weight decay": "decay",
    "clipped inside: by value": "clipv", "clipped inside: by norm": "clipn", "clipped inside: at each step": "clips",
    "1/|X|: at every step": "every", "1/|X|: mean of means": "means", "calls: differ": "grow",
    "arguments: changed in place": "inplace"}


def stranger(*switches, loss="cross entropy", many_to_one=False, joined="hx", order="fgio", mean=False, dtype=float):
    """own(weights, X, targets) with these faults."""
    on = set(switches)
    if "means" in on:
        return mean_of_means(stranger(*on - {"means"}, loss=loss, many_to_one=many_to_one, joined=joined, order=order,
                                      mean=True, dtype=dtype), many_to_one)
    layout = layouts(order=order, joined=joined, each_gate=True, columns=True, head=loss != "given")
    memory = {}

    def either(right, **wrong):
        """What is right, unless a switch asks for something else."""
        return next((other for switch, other in wrong.items() if switch in on), right)

    def own(weights, X, targets):
        T, B, D = X.shape
        H, K = weights.H, weights.K
        P = {name: array.astype(dtype) for name, array in zip(layout.names, layout.give(weights))}
        W, b = {k: P["W" + k] for k in "ifgo"}, {k: P["b" + k] for k in "ifgo"}
        of_h, of_x = (slice(0, H), slice(H, None)) if joined == "hx" else (slice(D, None), slice(0, D))

        def join(h, x):
            return np.vstack([h, x] if joined == "hx" else [x, h])

        xs = [x.T.astype(dtype) for x in X]
        hs, cs, gates, ys = [np.zeros((H, B), dtype)], [np.zeros((H, B), dtype)], [], []
        for x in xs:
            both = join(hs[-1], x)
            i, f, o = (sig(W[k] @ both + b[k]) for k in "ifo")
            g = np.tanh(W["g"] @ both + b["g"])
            cs.append(f * cs[-1] + i * g), hs.append(o * np.tanh(cs[-1])), gates.append((i, f, g, o))
            if loss != "given":
                ys.append(P["Wy"] @ hs[-1] + P["by"])
        if "alias" in on:
            hs = cs
        N = B if many_to_one else T * B
        if "inplace" in on:
            X *= 0.5

        total, dys = 0.0, []
        for t in range(T):
            if loss == "given":
                dys.append(targets[t].T.astype(dtype))
                continue
            y, target = ys[t], targets if many_to_one else targets[t]
            if loss == "cross entropy":
                p = np.exp(y - y.max(0))
                out, one, another = p / p.sum(0), np.eye(K)[target].T, sig(y)
                part = -np.log((out * one).sum(0)).sum()
            else:
                out, one, another = y, target.T, np.tanh(y)
                part = 0.5 * ((y - one) ** 2).sum()
            dy = either(out - one, extra=(out - one) * out * (1 - out), other=another - one)
            counts = t == T - 1 or not many_to_one
            total, dys = total + counts * part, dys + [counts * dy]
        if "lastloss" in on:
            dys = [dys[-1]] * T

        dW, db = {k: 0 * W[k] for k in W}, {k: 0 * b[k] for k in b}
        dWy, dby = (0 * P["Wy"], 0 * P["by"]) if loss != "given" else (0, 0)
        dhn, dcn = np.zeros((H, B), dtype), np.zeros((H, B), dtype)
        steps = list(reversed(range(T)))
        for t in either(steps, first=steps[:-1], last=steps[1:], only=steps[:1], far=[*steps, -1]):
            at = T - 1 if "stale" in on or t < 0 else t
            i, f, g, o = gates[at]
            h_before, c_before, h, c, x = hs[at], cs[at], hs[t + 1], cs[at + 1], xs[t]
            if "atearly" in on:
                h, c = hs[t], cs[t]
            if on & {"early", "hearly"}:
                h_before = hs[t - 1]
            if on & {"early", "cearly"}:
                c_before = cs[t - 1]
            if "late" in on or "view" in on and t == 0:
                h_before, c_before = hs[t + 1], cs[t + 1]
            if "wrap" in on and t == 0:
                h_before, c_before = hs[-1], cs[-1]
            if "x" in on:
                x = xs[t - 1]
            both = join(h_before, x)
            dh = (P["Wy"].T @ dys[t] if loss != "given" else dys[t]) + dhn
            if "clips" in on:
                dh = np.clip(dh, -1, 1)
            dc_of_h = dh * o * either(1 - np.tanh(c) ** 2, c2=1 - c ** 2, cc=1 - np.tanh(np.tanh(c)) ** 2, c1=1,
                                      ct=1 - np.tanh(c ** 2))
            dc = dc_of_h + dcn

            def through(k, a):
                of_sigmoid, of_tanh = a * (1 - a), 1 - a ** 2
                right, another = (of_tanh, of_sigmoid) if k == "g" else (of_sigmoid, of_tanh)
                again = 1 - np.tanh(a) ** 2 if k == "g" else sig(a) * (1 - sig(a))
                return either(right, **{k + "2": again, k + "1": 1, k + "s": a, k + "t": another, k + "/2": right / 2})

            def through_gates(dc, dh):
                return {"i": dc * g * through("i", i), "f": dc * c_before * through("f", f),
                        "g": dc * i * through("g", g), "o": dh * np.tanh(c) * through("o", o)}

            each = N if "every" in on else 1
            dh_of_o = dh - dhn if "oL" in on else dh
            delta = {k: d / each for k, d in through_gates(dc, dh_of_o).items()}
            for k in "ifgo":
                grad = delta[k] @ both.T
                if "Wxlast" in on and t < T - 1:
                    grad[:, of_x] = 0
                if "all=" in on:
                    dW[k], db[k] = grad, delta[k].sum(1, keepdims=True)
                    continue
                dW[k], db[k] = dW[k] + grad, db[k] + delta["f" if "b" + k in on else k].sum(1, keepdims=True)
                for switch, part in (("Wh=", of_h), ("Wx=", of_x)):
                    if switch in on:
                        dW[k][:, part] = grad[:, part]
            if loss != "given":
                top = dys[t] / each
                piece = top @ h.T
                if "inner" in on:
                    piece = np.repeat(piece.sum(1, keepdims=True), H, axis=1)
                dWy, dby = dWy + piece, dby + top.sum(1, keepdims=True)
            send = dict(delta)
            if "dhS" in on:
                send = {"i": dc * g, "f": dc * c_before, "g": dc * i, "o": dh * np.tanh(c)}
            if "dhA" in on:
                send = {k: d / each for k, d in through_gates(dc_of_h, dh_of_o).items()}
            for k in "fo":
                if "dh-" + k in on:
                    send[k] = 0 * send[k]
            back = sum(W[k].T @ send[k] for k in "ifgo")
            dhn = either(back[of_h], dhE=back[-H:] if joined == "hx" else back[:H], dhI=dh, dh0=0 * dh,
                         dhT=sum(W[k][:, of_h] @ send[k] for k in "ifgo"))
            dcn = either(dc * f, dcF=dc, dc0=0 * dc)
        grads = {f"W{k}": dW[k] for k in dW} | {f"b{k}": db[k] for k in db}
        if loss != "given":
            grads |= {"Wy": dWy, "by": dby}
        if "clipn" in on:
            norm = np.sqrt(sum((a ** 2).sum() for a in grads.values()))
            grads = {k: a * 5 / max(norm, 5) for k, a in grads.items()}
        if "clipv" in on:
            grads = {k: np.clip(a, -5, 5) for k, a in grads.items()}
        if mean and "every" not in on:
            grads = {k: a / N for k, a in grads.items()}
        if mean or "every" in on:
            total = total / N
        if "factor" in on:
            total = total / K
        if "count" in on:
            grads["Wy"], grads["by"] = grads["Wy"] / T, grads["by"] / T
        if "decay" in on:
            grads = {k: a + 0.01 * P[k] if k[0] == "W" else a for k, a in grads.items()}
        if "grow" in on:
            same = memory.get(X.shape, dict.fromkeys(grads, 0))
            grads = memory[X.shape] = {k: a + same[k] * (np.shape(same[k]) == a.shape) for k, a in grads.items()}
        gradient = layout.take(grads)
        return gradient if loss == "given" else (total, gradient)

    return own


def mean_of_means(own, many_to_one):
    """Two micro-batches, each averaged over its own items; then the mean of the two."""
    def halves(weights, X, targets):
        pieces = np.array_split(np.arange(X.shape[1]), min(2, X.shape[1]))
        results = [own(weights, X[:, piece], targets[piece] if many_to_one else targets[:, piece]) for piece in pieces]
        return (sum(loss for loss, _ in results) / len(results),
                {k: sum(gradient[k] for _, gradient in results) / len(results) for k in results[0][1]})
    return halves


def plain(changes=(), *, peepholes=(0, 0, 0), looks_back=False, coupled=False, loss="cross entropy", many_to_one=False,
          dtype=float):
    """own(weights, X, targets) with lines changed: {line: f(its value, others by name)}.

    peepholes   (3, H): gates i, f and o look at the cell, each unit at its own
    looks_back  whether gate o looks at c_(t-1), too, and not at c_t
    coupled     whether f is 1 - i
    """
    changes = dict(changes)

    def line(name, value, now):
        return changes[name](value, now) if name in changes else value

    def own(weights, X, targets):
        Wx, Wh, b, Wy, by, X, (p_i, p_f, p_o) = (np.asarray(array).astype(dtype) for array in (
            weights.Wx, weights.Wh, weights.b, weights.Wy, weights.by, X, peepholes))
        h = c = np.zeros((X.shape[1], weights.H), dtype)
        tape = []
        for x in X:
            zi, zf, zg, zo = np.split(x @ Wx + h @ Wh + b, 4, axis=1)
            i, g, h_prev, c_prev = sig(zi + p_i * c), np.tanh(zg), h, c
            f = 1 - i if coupled else sig(zf + p_f * c)
            c = f * c + i * g
            o = sig(zo + p_o * (c_prev if looks_back else c))
            h = o * np.tanh(c)
            tape.append((x, h_prev, c_prev, i, f, g, o, c, h))
        Y = np.array([step[-1] for step in tape]) @ Wy + by
        if many_to_one:
            targets = np.repeat(targets[None], len(X), axis=0)
        if loss == "cross entropy":
            p, one = np.exp(Y) / np.exp(Y).sum(-1, keepdims=True), np.eye(weights.K)[targets]
            items, dY = -np.log((p * one).sum(-1)), line("dY", (p - one).astype(dtype), {"p": p})
        else:
            items, dY = ((Y - targets) ** 2).sum(-1), 2 * (Y - targets).astype(dtype)
        if many_to_one:
            items[:-1], dY[:-1] = 0, 0

        dWx, dWh, db, dWy, dh_next, dc_next = (0 * array for array in (Wx, Wh, b, Wy, h, c))
        for t in reversed(range(len(X))):
            x, h_prev, c_prev, i, f, g, o, c, h = tape[t]
            now = {"f": f, "g": g, "o": o, "c": c, "h": h, "dY": dY[t], "Wh": Wh}
            above = dY[t] @ Wy.T
            dh = above + dh_next
            dz_o = line("dh of gate o", dh, {"above": above}) * np.tanh(c) * line("slope of o", o * (1 - o), now)
            dc = dh * line("o(1 - tanh(c)^2)", o * (1 - np.tanh(c) ** 2), now) + dc_next
            dc = dc + line("peephole of o", 0 if looks_back else p_o * dz_o, now)
            other = line("the other path", c_prev if coupled else 0, now)
            dz_i = dc * (g - other) * line("slope of i", i * (1 - i), now)
            dz_f = 0 * dc if coupled else dc * c_prev * f * (1 - f)
            dz = np.concatenate([dz_i, dz_f, dc * i * line("slope of g", 1 - g * g, now), dz_o], axis=1)
            dWx, dWh = dWx + x.T @ dz, dWh + line("dWh", h_prev.T @ dz, now)
            db, dWy = db + line("db", dz.sum(0), now), dWy + line("dWy", h.T @ dY[t], now)
            dh_next = line("dh", dz @ Wh.T, now | {"dz": dz})
            dc_next = line("dc", dc * f, now)
            dc_next = dc_next + line("peepholes", p_i * dz_i + p_f * dz_f + looks_back * p_o * dz_o, now)
        return items.sum(), {"Wx": dWx, "Wh": dWh, "b": db, "Wy": dWy, "by": dY.sum(axis=(0, 1))}

    return own
