"""LSTMs as others write them: columns, [h, x] joined, a matrix for each gate, caches in lists. Independent of the
catalogue: `stranger(...)` writes each fault down as one does by mistake, where it occurs.
"""

import numpy as np

from lstmlib.clinic import layouts


def sig(z):
    return 1 / (1 + np.exp(-z))


# Every fault of the table, as diagnose names it, by the switch that the code below asks for.
FAULTS = {
    "dh: not carried": "dh0", "dh: without Wh": "dhI", "dh: Wh not transposed": "dhT",
    "dh: without the slopes of the gates": "dhS",
    "dh: from the wrong end of [x, h]": "dhE", "dh: from dh alone": "dhA", "dh: without gate o": "dh-o",
    "dh: without gate f": "dh-f", "gate o: from the loss alone": "oL", "dc: not carried": "dc0", "dc: without f": "dcF",
    "slope of i: at the activation": "i2", "slope of i: missing": "i1", "slope of i: the function itself": "is",
    "slope of i: of another function": "it", "slope of i: a constant factor": "i/2",
    "slope of f: at the activation": "f2", "slope of f: missing": "f1", "slope of f: the function itself": "fs",
    "slope of f: of another function": "ft", "slope of g: at the activation": "g2", "slope of g: missing": "g1",
    "slope of g: the function itself": "gs", "slope of g: of another function": "gt",
    "slope of g: a constant factor": "g/2",
    "slope of o: at the activation": "o2", "slope of o: missing": "o1", "slope of o: the function itself": "os",
    "slope of o: of another function": "ot", "slope of tanh(c): 1 - c^2": "c2",
    "slope of tanh(c): at the activation": "cc",
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

    def own(weights, X, targets):
        T, B, D = X.shape
        H, K = weights.H, weights.K
        P = {name: array.astype(dtype) for name, array in zip(layout.names, layout.give(weights))}
        W, b = {k: P["W" + k] for k in "ifgo"}, {k: P["b" + k] for k in "ifgo"}
        hcut = slice(0, H) if joined == "hx" else slice(D, None)
        xs = [x.T.astype(dtype) for x in X]
        if many_to_one:
            targets = np.concatenate([np.zeros((T - 1, *targets.shape), targets.dtype), targets[None]]) \
                if loss != "given" else targets
        h, c = np.zeros((H, B), dtype), np.zeros((H, B), dtype)
        hs, cs, gates, joins = [h], [c], [], []
        for x in xs:
            both = np.vstack([h, x] if joined == "hx" else [x, h])
            i, f, o = (sig(W[k] @ both + b[k]) for k in "ifo")
            g = np.tanh(W["g"] @ both + b["g"])
            c = f * c + i * g
            h = o * np.tanh(c)
            hs.append(h), cs.append(c), gates.append((i, f, g, o)), joins.append(both)
        if "alias" in on:
            hs = cs
        N = T * B if not many_to_one else B
        count = N if mean else 1
        if "inplace" in on:
            X *= 0.5

        total, dys = 0.0, []
        for t in range(T):
            if loss == "given":
                dys.append(targets[t].T.astype(dtype))
                continue
            y = P["Wy"] @ (hs[t + 1] if "alias" not in on else gates[t][3] * np.tanh(cs[t + 1])) + P["by"]
            if loss == "cross entropy":
                p = np.exp(y - y.max(0))
                p /= p.sum(0)
                one = np.eye(K)[targets[t]].T
                part, dy = -np.log(p[targets[t], np.arange(B)]).sum(), p - one
                if "extra" in on:
                    dy = dy * p * (1 - p)
                if "other" in on:
                    dy = sig(y) - one
            else:
                one = targets[t].T
                part, dy = 0.5 * ((y - one) ** 2).sum(), y - one
                if "extra" in on:
                    dy = dy * y * (1 - y)
                if "other" in on:
                    dy = np.tanh(y) - one
            if many_to_one and t < T - 1:
                part, dy = 0, 0 * dy
            total, dys = total + part, dys + [dy]
        if "lastloss" in on:
            dys = [dys[-1]] * T

        dW, db = {k: 0 * W[k] for k in W}, {k: 0 * b[k] for k in b}
        dWy, dby = (0 * P["Wy"], 0 * P["by"]) if loss != "given" else (0, 0)
        dhn, dcn = np.zeros((H, B), dtype), np.zeros((H, B), dtype)
        steps = list(reversed(range(T)))
        if "first" in on:
            steps = steps[:-1]
        if "last" in on:
            steps = steps[1:]
        if "only" in on:
            steps = steps[:1]
        if "far" in on:
            steps += [-1]
        for t in steps:
            if "stale" in on:
                i, f, g, o = gates[-1]
                cell, cell_before = cs[-1], cs[-2]
                both = np.vstack([joins[-1][:H], xs[t]] if joined == "hx" else [xs[t], joins[-1][D:]])
            else:
                i, f, g, o = gates[t]
                cell, cell_before, both = cs[t + 1] if t >= 0 else cs[-1], cs[t] if t >= 0 else cs[-2], joins[t]
            if "atearly" in on:
                cell = cs[t]
            h_used = hs[t] if "atearly" in on else hs[t + 1]
            if on & {"early", "late", "hearly", "cearly", "wrap", "view"} and "stale" not in on:
                hb, cb = hs[t], cs[t]
                if "early" in on or "hearly" in on:
                    hb = hs[t - 1]
                if "early" in on or "cearly" in on:
                    cb = cs[t - 1]
                if "late" in on:
                    hb, cb = hs[t + 1], cs[t + 1]
                if "wrap" in on:
                    hb, cb = hs[1:][t - 1], cs[1:][t - 1]
                if "view" in on and t == 0:
                    hb, cb = hs[1], cs[1]
                cell_before = cb
                both = np.vstack([hb, xs[t]] if joined == "hx" else [xs[t], hb])
            if "alias" in on:
                both = np.vstack([hs[t], xs[t]] if joined == "hx" else [xs[t], hs[t]])
            if "x" in on:
                both = np.vstack([both[hcut], xs[t - 1]] if joined == "hx" else [xs[t - 1], both[hcut]])
            dh = (P["Wy"].T @ dys[t] if loss != "given" else dys[t]) + dhn
            if "clips" in on:
                dh = np.clip(dh, -1, 1)
            slope = 1 - np.tanh(cell) ** 2
            if "c2" in on:
                slope = 1 - cell ** 2
            if "cc" in on:
                slope = 1 - np.tanh(np.tanh(cell)) ** 2
            if "c1" in on:
                slope = 1
            if "ct" in on:
                slope = 1 - np.tanh(cell ** 2)
            dc_h = dh * o * slope
            dc = dc_h + dcn

            def through(k, a):
                if k + "2" in on:
                    return sig(a) * (1 - sig(a)) if k != "g" else 1 - np.tanh(a) ** 2
                if k + "1" in on:
                    return 1
                if k + "s" in on:
                    return a
                if k + "t" in on:
                    return 1 - a ** 2 if k != "g" else a * (1 - a)
                right = a * (1 - a) if k != "g" else 1 - a ** 2
                return right / 2 if k + "/2" in on else right

            delta = {"i": dc * g * through("i", i), "f": dc * cell_before * through("f", f),
                     "g": dc * i * through("g", g),
                     "o": (dh - dhn if "oL" in on else dh) * np.tanh(cell) * through("o", o)}
            if "every" in on:
                delta = {k: d / N for k, d in delta.items()}
            for k in "ifgo":
                grad = delta[k] @ both.T
                if "all=" in on:
                    dW[k], db[k] = grad, delta[k].sum(1, keepdims=True)
                    continue
                keep = dW[k].copy()
                dW[k] = dW[k] + grad
                if "Wh=" in on:
                    dW[k][:, hcut] = grad[:, hcut]
                xcut = slice(H, None) if joined == "hx" else slice(0, D)
                if "Wx=" in on:
                    dW[k][:, xcut] = grad[:, xcut]
                if "Wxlast" in on and t < T - 1:
                    dW[k][:, xcut] = keep[:, xcut]
                wrong = {"i": "f" if "bi" in on else "i", "o": "f" if "bo" in on else "o"}.get(k, k)
                db[k] = db[k] + delta[wrong].sum(1, keepdims=True)
            if loss != "given":
                top = dys[t] / N if "every" in on else dys[t]
                piece = top @ h_used.T
                if "inner" in on:
                    piece = np.repeat(piece.sum(1, keepdims=True), H, axis=1)
                dWy, dby = dWy + piece, dby + top.sum(1, keepdims=True)
            if "dhS" in on:
                send = {"i": dc * g, "f": dc * cell_before, "g": dc * i, "o": dh * np.tanh(cell)}
            elif "dhA" in on:
                send = {"i": dc_h * g * through("i", i), "f": dc_h * cell_before * through("f", f),
                        "g": dc_h * i * through("g", g), "o": delta["o"]}
                if "every" in on:
                    send = {k: d / N if k != "o" else d for k, d in send.items()}
            else:
                send = dict(delta)
            for k in "fo":
                if "dh-" + k in on:
                    send[k] = 0 * send[k]
            back = sum(W[k].T @ send[k] for k in "ifgo")
            dhn = back[hcut]
            if "dhE" in on:
                dhn = back[-H:] if joined == "hx" else back[:H]
            if "dhT" in on:
                dhn = sum(W[k][:, hcut] @ send[k] for k in "ifgo")
            if "dhI" in on:
                dhn = dh
            if "dh0" in on:
                dhn = 0 * dhn
            dcn = dc if "dcF" in on else 0 * dc if "dc0" in on else dc * f
        grads = {f"W{k}": dW[k] for k in dW} | {f"b{k}": db[k] for k in db}
        if loss != "given":
            grads |= {"Wy": dWy, "by": dby}
        if "clipn" in on:
            norm = np.sqrt(sum((a ** 2).sum() for a in grads.values()))
            grads = {k: a * 5 / max(norm, 5) for k, a in grads.items()}
        if "clipv" in on:
            grads = {k: np.clip(a, -5, 5) for k, a in grads.items()}
        if mean and "every" not in on:
            grads = {k: a / count for k, a in grads.items()}
        if "every" in on:
            total = total / N
        elif mean:
            total = total / count
        if "factor" in on:
            total = total / K
        if "count" in on:
            grads["Wy"], grads["by"] = grads["Wy"] / T, grads["by"] / T
        if "decay" in on:
            grads = {k: a + 0.01 * P[k] if k[0] == "W" else a for k, a in grads.items()}
        if "grow" in on:
            memory.setdefault(X.shape, {k: 0 for k in grads})
            same = memory[X.shape]
            grads = memory[X.shape] = {k: a + same[k] * (np.shape(same[k]) == a.shape) for k, a in grads.items()}
        gradient = layout.take(grads)
        return gradient if loss == "given" else (total, gradient)

    return own


def mean_of_means(own, many_to_one):
    """Two micro-batches, each averaged over its own items; then the mean of the two."""
    def halves(weights, X, targets):
        B = X.shape[1]
        cut = (B + 1) // 2
        pieces = [(X[:, a:b], targets[a:b] if many_to_one else targets[:, a:b])
                  for a, b in ((0, cut), (cut, B)) if a < b]
        results = [own(weights, *piece) for piece in pieces]
        return (sum(loss for loss, _ in results) / len(results),
                {k: sum(gradient[k] for _, gradient in results) / len(results) for k in results[0][1]})
    return halves


def peeping(*switches, peepholes, loss="cross entropy", many_to_one=False, looks_back=False, coupled=False,
            dtype=float):
    """The same for an LSTM whose gates i, f and o look at the cell, each unit at its own, through `peepholes` (3, H).

    looks_back  whether gate o looks at c_(t-1), too, and not at c_t
    coupled     whether f is 1 - i
    """
    on = set(switches)

    def own(weights, X, targets):
        U, V, b = ([part.astype(dtype) for part in np.split(array, 4, axis=-1)]
                   for array in (weights.Wx, weights.Wh, weights.b))
        pi, pf, po = (p.astype(dtype) for p in peepholes)
        X, Wy, by = X.astype(dtype), weights.Wy.astype(dtype), weights.by.astype(dtype)
        tape, h = [], np.zeros((X.shape[1], weights.H), dtype)
        c = 0 * h
        for x in X:
            zi, zf, zg, zo = (x @ u + h @ v + bias for u, v, bias in zip(U, V, b))
            i = sig(zi + pi * c)
            f = 1 - i if coupled else sig(zf + pf * c)
            g, before = np.tanh(zg), c
            c = f * c + i * g
            o = sig(zo + po * (before if looks_back else c))
            tape.append((x, h, before, i, f, g, o, c))
            h = o * np.tanh(c)
        Y = np.array([o * np.tanh(c) for *_, o, c in tape]) @ Wy + by
        if many_to_one:
            targets = np.repeat(targets[None], len(X), axis=0)
        if loss == "cross entropy":
            p = np.exp(Y) / np.exp(Y).sum(-1, keepdims=True)
            one = np.eye(weights.K)[targets]
            items, dY = -np.log((p * one).sum(-1)), (p - one).astype(dtype)
        else:
            items, dY = ((Y - targets) ** 2).sum(-1), 2 * (Y - targets).astype(dtype)
        if many_to_one:
            items[:-1], dY[:-1] = 0, 0

        dU, dV, db = ([0 * part for part in parts] for parts in (U, V, b))
        dWy, dh_next, dc_next = 0 * Wy, 0 * h, 0 * h
        for t in reversed(range(len(X))):
            x, h_before, before, i, f, g, o, c = tape[t]
            above = dY[t] @ Wy.T
            dh = above + dh_next
            ao = (above if "oL" in on else dh) * np.tanh(c) * (sig(o) * (1 - sig(o)) if "o2" in on else o * (1 - o))
            dc = dh * o * ((1 - np.tanh(c ** 2)) if "ct" in on else (1 - np.tanh(c) ** 2)) + dc_next
            if not looks_back and not on & {"peep", "peep-o"}:
                dc = dc + po * ao
            other = before if coupled and "one" not in on else 0
            ai, af = dc * (g - other) * i * (1 - i), 0 * dc if coupled else dc * before * f * (1 - f)
            ag = dc * i * (1 - np.tanh(g) ** 2 if "g2" in on else (1 - g * g) ** 2 if "gg" in on else 1 - g * g)
            a = (ai, af, ag, ao)
            dU, dV, db = ([s + new for s, new in zip(old, more)] for old, more in (
                (dU, [x.T @ k for k in a]), (dV, [h_before.T @ k for k in a]), (db, [k.sum(0) for k in a])))
            dWy = dWy + (o * np.tanh(c)).T @ dY[t]
            dh_next = sum(k @ (v if "dhT" in on else v.T) for k, v in zip(a, V))
            dc_next = 0 * dc if "dc0" in on else dc * f
            if "peep" not in on:
                dc_next = dc_next + pi * ai + pf * af + (po * ao if looks_back else 0)
        return items.sum(), {"Wx": np.hstack(dU), "Wh": np.hstack(dV), "b": np.hstack(db), "Wy": dWy,
                             "by": dY.sum(axis=(0, 1))}

    return own
