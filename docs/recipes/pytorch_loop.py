"""A training loop in PyTorch with gradient accumulation: does each token weigh the same?"""

import torch
from items import IGNORED, SYMBOLS, keep, length, make_items, padded, show, tokens
from torch.nn.functional import cross_entropy

from lstmlib.weighing import examine


class Tagger(torch.nn.Module):
    """Stands for your model."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed = torch.nn.Embedding(SYMBOLS, 8)
        self.lstm = torch.nn.LSTM(8, 16, batch_first=True)
        self.dropout = torch.nn.Dropout(0.1)
        self.top = torch.nn.Linear(16, SYMBOLS)

    def forward(self, input_ids):
        return self.top(self.dropout(self.lstm(self.embed(input_ids))[0]))


def collate(items):
    return {key: torch.tensor(rows) for key, rows in padded(items).items()}


def broken(model, micro_batches):
    """The usual loop: a mean over the tokens of each micro-batch, then a mean over micro-batches."""
    for batch in micro_batches:
        logits = model(batch["input_ids"])
        loss = cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), ignore_index=IGNORED)
        (loss / len(micro_batches)).backward()


def repaired(model, micro_batches):
    """Sums, divided once by the number of tokens in all micro-batches."""
    n = sum((batch["labels"] != IGNORED).sum() for batch in micro_batches).clamp(min=1)
    for batch in micro_batches:
        logits = model(batch["input_ids"])
        loss = cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), ignore_index=IGNORED, reduction="sum")
        (loss / n).backward()


def examine_loop(accumulate):
    """These lines are what you write. `accumulate` is your loop up to clipping and the optimiser's step."""
    model = Tagger()
    was_training = model.training
    model.eval()  # no dropout; batch norm with its stored statistics

    def gradient(pieces):
        model.zero_grad()
        accumulate(model, [collate(piece) for piece in pieces])
        return [parameter.grad for parameter in model.parameters()]

    report = examine(gradient, make_items(), tokens, length, keep, means="tokens")
    model.train(was_training)
    return report


def reports():
    return {"broken": examine_loop(broken), "repaired": examine_loop(repaired)}


if __name__ == "__main__":
    show(reports())
