"""An LSTM as others write it (columns, [h, x] joined, a matrix for each gate, caches in lists), and faults that are
written by mistake. It shares no line with the catalogue.
"""

import numpy as np

from lstmlib.clinic import layouts

SLOPES = {"at the activation": "2", "missing": "1", "the function itself": "s", "of another function": "t",
          "a constant factor": "/2"}
# Every fault of the table, as diagnose names it, by the switch that `stranger` asks for.
FAULTS = {
    "dh: not carried": "dh0", "dh: without Wh": "dhI", "dh: Wh not transposed": "dhT",
    "dh: without the slopes of the gates": "dhS", "dh: from the wrong end of [x, h]": "dhE", "dh: added twice": "dh2",
    "dc: added twice": "dc2", "dz: in another order": "perm", "loss: the other sign": "sign",
    "slope of tanh(c): of h": "ch", "dh: from dh alone": "dhA", "dh: without gate o": "dh-o",
    "dh: without gate f": "dh-f", "gate o: from the loss alone": "oL", "dc: not carried": "dc0", "dc: without f": "dcF",
    "dc: times f of another timestep": "dcL",
    **{f"slope of {k}: {what}": k + s for k in "ifgo" for what, s in SLOPES.items() if s != "/2" or k in "ig"},
    "slope of tanh(c): 1 - c^2": "c2", "slope of tanh(c): at the activation": "cc", "slope of tanh(c): missing": "c1",
    "slope of tanh(c): tanh(c^2)": "ct", "states before t: one index early": "early",
    "states before t: one index late": "late", "h before t: one index early": "hearly",
    "c before t: one index early": "cearly", "states before t: the first one wrong": "wrap", "h0: a view": "view",
    "states at t: one index early": "atearly", "timesteps: first left out": "first", "timesteps: last left out": "last",
    "timesteps: last only": "only", "timesteps: one step too far": "far", "Wx: last timestep only": "Wxlast",
    "Wx: overwritten at each step": "Wx=", "Wh: overwritten at each step": "Wh=",
    "sums: overwritten at each step": "all=", "caches: of the last step": "stale",
    "loss: of the last step at every step": "lastloss", "loss: of another loss": "other",
    "loss: another factor than the gradient's": "factor", "bias of i: delta of f": "bi", "bias of o: delta of f": "bo",
    "h and c: one array": "alias", "x: another than forward's": "x", "head: an inner product": "inner",
    "head: an extra slope": "extra", "head: another count": "count", "added: weight decay": "decay",
    "clipped inside: by value": "clipv", "clipped inside: by norm": "clipn", "clipped inside: at each step": "clips",
    "1/|X|: at every step": "every", "1/|X|: mean of means": "means", "calls: differ": "grow",
    "arguments: changed in place": "inplace"}


def sig(z):
    return 1 / (1 + np.exp(-z))


def stranger(*switches, loss="cross entropy", many_to_one=False, joined="hx", order="fgio", mean=False, dtype=float,
             changes=()):
    """own(weights, X, targets) with these faults; and with changes = {line: f(its value)}."""
    on, changes, given, memory = set(switches), dict(changes), loss == "given", {}
    layout = layouts(order=order, joined=joined, each_gate=True, columns=True, head=not given)

    def line(name, right, **wrong):
        """What is right, unless a switch or a change asks for something else."""
        value = next((other for switch, other in wrong.items() if switch in on), right)
        return changes[name](value) if name in changes else value

    def slope(k, a):
        of_sigmoid, of_tanh = a * (1 - a), 1 - a ** 2
        right, another = (of_tanh, of_sigmoid) if k == "g" else (of_sigmoid, of_tanh)
        again = 1 - np.tanh(a) ** 2 if k == "g" else sig(a) * (1 - sig(a))
        return line(f"slope of {k}", right, **{k + "2": again, k + "1": 1, k + "s": a, k + "t": another,
                                               k + "/2": right / 2})

    def join(h, x):
        return np.vstack([h, x] if joined == "hx" else [x, h])

    def own(weights, X, targets):
        T, B, D = X.shape
        H, K = weights.H, weights.K
        P = {name: array.astype(dtype) for name, array in zip(layout.names, layout.give(weights))}
        W, b = {k: P["W" + k] for k in "ifgo"}, {k: P["b" + k] for k in "ifgo"}
        of_h, of_x = (slice(0, H), slice(H, None)) if joined == "hx" else (slice(D, None), slice(0, D))
        N = B if many_to_one else T * B

        xs = [x.T.astype(dtype) for x in X]
        hs, cs, gates = [np.zeros((H, B), dtype)], [np.zeros((H, B), dtype)], []
        for x in xs:
            z = {k: W[k] @ join(hs[-1], x) + b[k] for k in "ifgo"}
            i, f, g, o = sig(z["i"]), sig(z["f"]), np.tanh(z["g"]), sig(z["o"])
            cs.append(f * cs[-1] + i * g)
            hs.append(o * np.tanh(cs[-1])), gates.append((i, f, g, o))
        if "inplace" in on:
            X *= 0.5

        total, dys = 0.0, []
        for t in range(T):
            if given:
                dys.append(targets[t].T.astype(dtype))
                continue
            y, target = P["Wy"] @ hs[t + 1] + P["by"], targets if many_to_one else targets[t]
            if loss == "cross entropy":
                p = np.exp(y - y.max(0))
                out, one, another = p / p.sum(0), np.eye(K)[target].T, sig(y)
                part = -np.log((out * one).sum(0)).sum()
            else:
                out, one, another = y, target.T, np.tanh(y)
                part = 0.5 * ((y - one) ** 2).sum()
            dy = line("dY", out - one, extra=(out - one) * out * (1 - out), other=another - one, sign=one - out)
            counts = t == T - 1 or not many_to_one
            total, dys = total + counts * part, dys + [counts * dy]
        if "lastloss" in on:
            dys = [dys[-1]] * T
        if "alias" in on:
            hs = cs

        dW, db = {k: 0 * W[k] for k in W}, {k: 0 * b[k] for k in b}
        dWy, dby = (0, 0) if given else (0 * P["Wy"], 0 * P["by"])
        dhn, dcn = np.zeros((H, B), dtype), np.zeros((H, B), dtype)
        each = N if "every" in on else 1
        steps = list(reversed(range(T)))
        for t in line("timesteps", steps, first=steps[:-1], last=steps[1:], only=steps[:1], far=[*steps, -1]):
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
            dh = (dys[t] if given else P["Wy"].T @ dys[t]) + dhn
            if "clips" in on:
                dh = np.clip(dh, -1, 1)
            dc_of_h = dh * o * line("slope of tanh(c)", 1 - np.tanh(c) ** 2, c2=1 - c ** 2, c1=1,
                                    cc=1 - np.tanh(np.tanh(c)) ** 2, ct=1 - np.tanh(c ** 2), ch=1 - h ** 2)
            dc, dh_of_o = dc_of_h + dcn, dh - dhn if "oL" in on else dh

            def through_gates(dc):
                before_slopes = {"i": dc * g, "f": dc * c_before, "g": dc * i, "o": dh_of_o * np.tanh(c)}
                return {k: before_slopes[k] * slope(k, a) / each for k, a in zip("ifgo", gates[at])}

            delta = through_gates(dc)
            delta = {k: delta[other] for k, other in zip("ifgo", "ogif" if "perm" in on else "ifgo")}
            for k in "ifgo":
                grad = delta[k] @ both.T
                grad[:, of_h] = line("dWh", grad[:, of_h])
                if "Wxlast" in on and t < T - 1:
                    grad[:, of_x] = 0
                if "all=" in on:
                    dW[k], db[k] = grad, delta[k].sum(1, keepdims=True)
                    continue
                dW[k] = dW[k] + grad
                db[k] = db[k] + delta["f" if "b" + k in on else k].sum(1, keepdims=True)
                for switch, part in (("Wh=", of_h), ("Wx=", of_x)):
                    if switch in on:
                        dW[k][:, part] = grad[:, part]
            if not given:
                top = dys[t] / each
                piece = line("dWy", top @ h.T)
                if "inner" in on:
                    piece = np.repeat(piece.sum(1, keepdims=True), H, axis=1)
                dWy, dby = dWy + piece, dby + top.sum(1, keepdims=True)
            send = dict(delta)
            if "dhS" in on:
                send = {"i": dc * g, "f": dc * c_before, "g": dc * i, "o": dh * np.tanh(c)}
            if "dhA" in on:
                send = through_gates(dc_of_h)
            for k in "fo":
                if "dh-" + k in on:
                    send[k] = 0 * send[k]
            back = sum(W[k].T @ send[k] for k in "ifgo")
            dhn = line("dh", back[of_h], dhE=back[-H:] if joined == "hx" else back[:H], dhI=dh, dh0=0 * dh,
                       dh2=2 * back[of_h], dhT=sum(W[k][:, of_h] @ send[k] for k in "ifgo"))
            dcn = line("dc", dc * f, dcF=dc, dc0=0 * dc, dc2=2 * dc * f,
                       dcL=dc * (gates[t + 1][1] if t + 1 < T else 0))

        grads = {f"W{k}": dW[k] for k in dW} | {f"b{k}": db[k] for k in db}
        if not given:
            grads |= {"Wy": dWy, "by": dby}
        if "clipn" in on:
            norm = np.sqrt(sum((a ** 2).sum() for a in grads.values()))
            grads = {k: a * 5 / max(norm, 5) for k, a in grads.items()}
        if "clipv" in on:
            grads = {k: np.clip(a, -5, 5) for k, a in grads.items()}
        if (mean or "means" in on) and "every" not in on:
            grads = {k: a / N for k, a in grads.items()}
        if mean or on & {"means", "every"}:
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
        return gradient if given else (total, gradient)

    return mean_of_means(own, many_to_one) if "means" in on else own


def mean_of_means(own, many_to_one):
    """Two micro-batches, each averaged over its own items; then the mean of the two."""
    def halves(weights, X, targets):
        pieces = np.array_split(np.arange(X.shape[1]), min(2, X.shape[1]))
        results = [own(weights, X[:, piece], targets[piece] if many_to_one else targets[:, piece]) for piece in pieces]
        return (sum(loss for loss, _ in results) / len(results),
                {k: sum(gradient[k] for _, gradient in results) / len(results) for k in results[0][1]})
    return halves
