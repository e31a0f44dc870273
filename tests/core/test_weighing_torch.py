"""`examine` on training steps in PyTorch; skipped where it is not installed."""

from contextlib import nullcontext

import pytest

from lstmlib.weighing import examine

torch = pytest.importorskip("torch")
torch.set_num_threads(1)
F, pad = torch.nn.functional, torch.nn.utils.rnn.pad_sequence
SYMBOLS, IGNORED = 11, -100
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


HANDLES = {"tokens": tokens, "length": length, "keep": keep, "empty": False, "quiet": True}


class Tagger(torch.nn.Module):
    def __init__(self, both=False):
        super().__init__()
        torch.manual_seed(0)
        self.embed = torch.nn.Embedding(SYMBOLS, 6)
        self.lstm = torch.nn.LSTM(6, 8, batch_first=True, bidirectional=both)
        self.top = torch.nn.Linear(16 if both else 8, SYMBOLS)
        for parameter in self.parameters():  # far from zero, so that whatever acts between items shows
            torch.nn.init.normal_(parameter, std=0.7)

    def forward(self, symbols):
        return self.top(self.lstm(self.embed(symbols))[0])


def outputs(model, piece):
    symbols, labels = zip(*piece)
    return model(pad(symbols, batch_first=True)), pad(labels, batch_first=True, padding_value=IGNORED)


def step_of(model, loss, context=nullcontext):
    """A step that accumulates loss(outputs (B, T, K), labels (B, T)), M pieces at equal shares."""
    def gradient(pieces):
        model.zero_grad()
        for piece in pieces:
            with context():
                value = loss(*outputs(model, piece))
            (value / len(pieces)).backward()
        return {name: parameter.grad for name, parameter in model.named_parameters()}
    return gradient


def mean(Y, labels, **options):
    return F.cross_entropy(Y.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, **options)


def weighted(Y, labels):
    return mean(Y, labels, weight=CLASS)


def smoothed(Y, labels):
    return mean(Y, labels, label_smoothing=0.1)


def masked(of):
    """of(losses (B, T), mask): losses computed everywhere, and masked afterwards."""
    def loss(Y, labels):
        losses = F.cross_entropy(Y.flatten(0, 1), labels.flatten().clamp(min=0), reduction="none")
        return of(losses.view_as(labels) * (labels != IGNORED), labels != IGNORED)
    return loss


def chosen(Y, labels):
    """The mean over what is chosen by a mask."""
    there = labels != IGNORED
    return F.cross_entropy(Y[there], labels[there])


CLASS = torch.linspace(0.2, 2, SYMBOLS)
of_sequences = masked(lambda losses, mask: losses.sum(1).mean())  # of their sums: right in pieces, too
over_count = masked(lambda losses, mask: losses.sum() / mask.sum())


def kinds(report):
    return [fault.kind for fault in report.faults]


@pytest.mark.parametrize("loss, name, fault", [
    (mean, "tokens", ["pieces"]), (smoothed, "tokens", ["pieces"]), (over_count, "tokens", ["pieces"]),
    (lambda Y, labels: mean(Y, labels, reduction="sum"), "nothing", ["pieces"]),
    (masked(lambda losses, mask: losses.mean()), "padded B*T", ["pieces"]),
    (of_sequences, "sequences", []),
    (masked(lambda losses, mask: (losses.sum(1) / mask.sum(1)).mean()), "tokens of each sequence, then sequences", []),
    (weighted, "class weights", ["pieces"])])
def test_reductions_and_masks(loss, name, fault):
    counts = {"class weights": lambda item: CLASS[item[1][item[1] != IGNORED]].sum()} if loss is weighted else None
    report = examine(step_of(Tagger(), loss), ITEMS, **HANDLES, counts=counts)
    assert report.divides_by == [name] and "the mean over pieces" in report.pieces_by and report.residual < 1e-5
    assert kinds(report) == fault, report


def test_in_both_directions_a_row_feels_its_padding():
    assert kinds(examine(step_of(Tagger(both=True), of_sequences), ITEMS, **HANDLES)) == ["not a sum"]


@pytest.mark.parametrize("loss, spreads", [
    (mean, False), (chosen, False), (weighted, False), (smoothed, False), (over_count, True)])
def test_the_loss_without_a_token_is_not_a_number_and_the_gradient_may_be_one_all_the_same(loss, spreads):
    """A fault where NaN reaches the gradient; where it stays in the loss, which is not seen, a sentence."""
    model = Tagger()
    assert loss(*outputs(model, [keep(ITEMS[0], 0, 0)])).isnan()
    report = examine(step_of(model, loss), ITEMS, **HANDLES | {"empty": True})
    assert ("no token: a batch or a micro-batch without a token gives NaN" in str(report)) == spreads
    assert spreads != any("whether the loss without a token is NaN" in note for note in report.notes)


@pytest.mark.parametrize("precision, left", [("bfloat16", 0.02), ("float16", 5e-3)])
def test_half_precision_is_told_from_a_fault(precision, left, monkeypatch):
    dtype = getattr(torch, precision)
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)  # it has no LSTM in float16 on every processor
    for step in (step_of(Tagger().to(dtype), lambda Y, labels: of_sequences(Y.float(), labels)),
                 step_of(Tagger(), of_sequences, context=lambda: torch.autocast("cpu", dtype=dtype))):
        report = examine(step, ITEMS, **HANDLES)
        assert 1e-5 < report.residual < left and kinds(report) == [] and "sequences" in report.divides_by, report
    report = examine(step_of(Tagger().to(dtype), lambda Y, labels: mean(Y.float(), labels)), ITEMS, **HANDLES)
    assert kinds(report) == ["pieces"] and "tokens" in report.divides_by, report
