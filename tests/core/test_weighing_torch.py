"""`examine` on training steps in PyTorch; skipped where it is not installed."""

from contextlib import nullcontext

import numpy as np
import pytest

from lstmlib.weighing import examine

torch = pytest.importorskip("torch")
F, rnn = torch.nn.functional, torch.nn.utils.rnn
SYMBOLS, IGNORED = 11, -100


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


DRAW = torch.Generator().manual_seed(0)
ITEMS = [(torch.randint(SYMBOLS, (T,), generator=DRAW),  # symbols; labels, the first of which do not count
          torch.cat([torch.full((T - n,), IGNORED), torch.randint(SYMBOLS, (n,), generator=DRAW)]))
         for n, T in ((3, 5), (6, 6), (9, 12), (5, 9))]


def tokens(item):
    return (item[1] != IGNORED).sum()


def length(item):
    return len(item[1])


def keep(item, start, stop):
    labels = torch.full_like(item[1], IGNORED)
    chosen = (item[1] != IGNORED).nonzero()[start:stop]
    labels[chosen] = item[1][chosen]
    return item[0], labels


HANDLES = {"tokens": tokens, "length": length, "keep": keep, "quiet": True, "empty": False}


class Tagger(torch.nn.Module):
    """Embedding, LSTM, linear layer; what a row sees of its padding depends on `packed` and `both`."""

    def __init__(self, both=False, packed=False, between=torch.nn.Identity()):
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.packed, self.between = torch.nn.Embedding(SYMBOLS, 6), packed, between
        self.lstm = torch.nn.LSTM(6, 8, batch_first=True, bidirectional=both)
        self.top = torch.nn.Linear(16 if both else 8, SYMBOLS)
        for parameter in self.parameters():  # far from zero, so that whatever acts between items shows
            torch.nn.init.normal_(parameter, std=0.7)

    def forward(self, symbols, lengths):
        X = self.embed(symbols)
        if self.packed:
            X = rnn.pack_padded_sequence(X, lengths, batch_first=True, enforce_sorted=False)
        h, _ = self.lstm(X)
        h = rnn.pad_packed_sequence(h, batch_first=True)[0] if self.packed else h
        return self.top(self.between(h))


def outputs(model, piece):
    symbols = rnn.pad_sequence([symbols for symbols, _ in piece], batch_first=True)
    labels = rnn.pad_sequence([labels for _, labels in piece], batch_first=True, padding_value=IGNORED)
    return model(symbols, [len(labels) for _, labels in piece]), labels


def step_of(model, loss, after=None, context=nullcontext):
    """A step that accumulates loss(outputs (B, T, K), labels (B, T)), M pieces at equal shares."""
    def gradient(pieces):
        model.zero_grad()
        for piece in pieces:
            with context():
                value = loss(*outputs(model, piece))
            (value / len(pieces)).backward()
        if after:
            after(model)
        return {name: parameter.grad for name, parameter in model.named_parameters()}
    return gradient


def mean(Y, labels, **options):
    return F.cross_entropy(Y.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, **options)


def total(Y, labels, **options):
    return mean(Y, labels, reduction="sum", **options)


def reference(loss, model):
    def of_item(item):
        model.zero_grad()
        loss(*outputs(model, [item])).backward()
        return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    return of_item


def kinds(report):
    return [fault.kind for fault in report.faults]


def masked(Y, labels, of=lambda losses, mask: losses.sum() / mask.sum()):
    mask = labels != IGNORED
    losses = F.cross_entropy(Y.flatten(0, 1), labels.flatten().clamp(min=0), reduction="none")
    return of(losses.view_as(labels) * mask, mask)


def of_sequences(Y, labels):
    """The mean over sequences of their summed losses: right in pieces, too."""
    return masked(Y, labels, lambda losses, mask: losses.sum(1).mean())


CLASS = torch.linspace(0.2, 2, SYMBOLS)


@pytest.mark.parametrize("loss, name, fault", [
    (mean, "tokens", ["pieces"]), (total, "nothing", ["pieces"]), (masked, "tokens", ["pieces"]),
    (lambda Y, labels: masked(Y, labels, lambda losses, mask: losses.mean()), "padded B*T", ["pieces"]),
    (of_sequences, "sequences", []),
    (lambda Y, labels: masked(Y, labels, lambda losses, mask: (losses.sum(1) / mask.sum(1)).mean()),
     "tokens of each sequence, then sequences", []),
    (lambda Y, labels: mean(Y, labels, label_smoothing=0.1), "tokens", ["pieces"])])
def test_reductions_and_masks(loss, name, fault):
    report = examine(step_of(Tagger(), loss), ITEMS, **HANDLES)
    assert report.divides_by == [name] and "the mean over pieces" in report.pieces_by and report.residual < 1e-5
    assert kinds(report) == fault, report


def test_class_weights_divide_by_their_own_sum():
    def weighted(Y, labels):
        return mean(Y, labels, weight=CLASS)

    def weight(item):
        return CLASS[item[1][item[1] != IGNORED]].sum()

    report = examine(step_of(Tagger(), weighted), ITEMS, **HANDLES, counts={"class weights": weight})
    assert report.divides_by == ["class weights"] and kinds(report) == ["pieces"]
    report = examine(step_of(Tagger(), weighted), ITEMS, **HANDLES, means="tokens")
    assert report.divides_by == [] and kinds(report) == ["not meant", "pieces"]


def test_a_squared_error_over_K_outputs_is_a_constant_that_only_a_reference_shows():
    def target(labels):
        return F.one_hot(labels.clamp(min=0), SYMBOLS).float()

    def loss(Y, labels, reduction="mean"):
        there = labels != IGNORED
        return F.mse_loss(Y[there], target(labels)[there], reduction=reduction)

    report = examine(step_of(Tagger(), loss), ITEMS, **HANDLES)
    assert report.divides_by == ["tokens"] and report.factor == 1.0
    assert any("a constant factor (needs reference)" in note for note in report.notes)
    of_item = reference(lambda Y, labels: loss(Y, labels, "sum"), Tagger())
    report = examine(step_of(Tagger(), loss), ITEMS, **HANDLES, reference=of_item)
    assert report.divides_by == ["tokens"] and np.isclose(report.factor, 1 / SYMBOLS)
    assert np.isclose(report.measured, 23 * SYMBOLS) and "times a constant 0.0909" in str(report)


class OverTimesteps(torch.nn.BatchNorm1d):
    def forward(self, X):
        return super().forward(X.flatten(0, 1)).view_as(X)


def seeded(gradient):
    def of_pieces(pieces):
        torch.manual_seed(0)
        return gradient(pieces)
    return of_pieces


def clip_norm(model):
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)


def clip_value(model):
    torch.nn.utils.clip_grad_value_(model.parameters(), 0.02)


def decay(model):
    for parameter in model.parameters():
        parameter.grad += 0.1 * parameter.detach()


FEW, DROPOUT = {"tokens": tokens, "length": length, "quiet": True}, torch.nn.Dropout(0.3)
MORE = [HANDLES | {"empty": True}, {"tokens": tokens, "reference": reference(total, Tagger()), "quiet": True}]


@pytest.mark.parametrize("faults, handles, step", [
    ([], [HANDLES], step_of(Tagger(packed=True), of_sequences)),
    ([], [HANDLES], step_of(Tagger(both=True, packed=True), of_sequences)),
    (["not a sum"], [HANDLES], step_of(Tagger(both=True), of_sequences)),  # padding, in the backward direction
    (["not a sum"], [FEW], step_of(Tagger(between=OverTimesteps(8)), of_sequences)),
    (["not a sum"], [FEW], seeded(step_of(Tagger(between=DROPOUT), of_sequences))),
    (["random"], [FEW], step_of(Tagger(between=DROPOUT), of_sequences)),
    ([], [FEW], step_of(Tagger(between=torch.nn.Dropout(0.3)).eval(), of_sequences)),
    (["clipped"], MORE, step_of(Tagger(), of_sequences, clip_norm)),
    (["clipped"], MORE, step_of(Tagger(), of_sequences, clip_value)),
    (["added"], MORE, step_of(Tagger(), of_sequences, decay))])
def test_what_acts_between_items_or_after_their_sum(faults, handles, step):
    for these in handles:
        assert kinds(report := examine(step, ITEMS, **these)) == faults, report


def chosen(Y, labels):
    """The mean over what is chosen by a mask."""
    there = labels != IGNORED
    return F.cross_entropy(Y[there], labels[there], reduction="none").mean()


@pytest.mark.parametrize("loss, spreads", [
    (mean, False), (chosen, False), (lambda Y, labels: mean(Y, labels, weight=CLASS), False),
    (lambda Y, labels: mean(Y, labels, label_smoothing=0.1), False), (masked, True)],
    ids=["ignore_index", "chosen", "class weights", "label smoothing", "masked"])
def test_the_loss_without_a_token_is_not_a_number_and_the_gradient_may_be_one_all_the_same(loss, spreads):
    """A fault where NaN reaches the gradient; where it stays in the loss, which is not seen, a sentence."""
    model, one = Tagger(), keep(ITEMS[0], 0, 0)
    value = loss(*outputs(model, [one]))
    value.backward()
    largest = max(parameter.grad.abs().max() for parameter in model.parameters())
    assert value.isnan() and (largest.isnan() if spreads else largest == 0)
    report = examine(step_of(model, loss), ITEMS, **HANDLES | {"empty": True})
    assert ("no token" in kinds(report)) == spreads
    assert spreads != any("whether the loss without a token is NaN" in note for note in report.notes)
    if spreads:
        assert "a batch or a micro-batch without a token gives NaN" in str(report.faults[0])


@pytest.mark.parametrize("precision, left", [("bfloat16", 0.02), ("float16", 5e-3)])
def test_half_precision_is_told_from_a_fault(precision, left, monkeypatch):
    dtype = getattr(torch, precision)
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)  # it has no LSTM in float16 on every processor

    def in_float32(Y, labels):
        return of_sequences(Y.float(), labels)

    for step in (step_of(Tagger().to(dtype), in_float32),
                 step_of(Tagger(), in_float32, context=lambda: torch.autocast("cpu", dtype=dtype))):
        report = examine(step, ITEMS, **HANDLES)
        assert 1e-5 < report.residual < left and kinds(report) == [] and "sequences" in report.divides_by, report
        report = examine(step_of(Tagger().to(dtype), lambda Y, labels: mean(Y.float(), labels)), ITEMS, **HANDLES)
        assert kinds(report) == ["pieces"] and "tokens" in report.divides_by, report
