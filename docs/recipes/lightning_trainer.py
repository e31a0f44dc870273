"""Lightning's accumulate_grad_batches: does each token weigh the same?"""

import logging
import warnings

import lightning
import torch
from items import IGNORED, keep, length, make_items, show, tokens
from pytorch_loop import Tagger, collate
from torch.nn.functional import cross_entropy
from transformers_trainer import Recording

from lstmlib.weighing import examine


class Broken(lightning.LightningModule):
    """Returns a mean; Lightning divides it by the number of micro-batches."""

    def __init__(self):
        super().__init__()
        self.model = Tagger()
        self.model.dropout.p = 0.0  # fit() calls train(), so dropout is switched off by hand

    def loss(self, batch, reduction="mean"):
        return cross_entropy(self.model(batch["input_ids"]).flatten(0, 1), batch["labels"].flatten(),
                             ignore_index=IGNORED, reduction=reduction)

    def training_step(self, batch):
        return self.loss(batch)

    def configure_optimizers(self):
        self.recording = Recording(self.parameters(), lr=0)  # stands for your optimiser
        return self.recording


class Repaired(Broken):
    """Returns a sum and counts; the finished gradient is divided once, before the optimiser's step."""

    n = 0

    def training_step(self, batch):
        self.n += (batch["labels"] != IGNORED).sum()
        return self.loss(batch, "sum") * self.trainer.accumulate_grad_batches  # which Lightning divides by

    def on_before_optimizer_step(self, optimizer):
        for parameter in self.parameters():
            parameter.grad /= max(self.n, 1)
        self.n = 0


def gradient_of(module, window=None):
    def gradient(pieces):
        items = [item for piece in pieces for item in piece]
        numbers = iter(range(len(items)))
        loader = torch.utils.data.DataLoader(items, collate_fn=collate, batch_sampler=[
            [next(numbers) for _ in piece] for piece in pieces])
        trainer = lightning.Trainer(
            accumulate_grad_batches=window or len(pieces), max_epochs=1, accelerator="cpu", logger=False,
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)  # no gradient_clip_val
        trainer.fit(module, loader)
        return module.recording.seen
    return gradient


def reports():
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    return {name: examine(gradient_of(module), make_items(), tokens, length, keep, means="tokens", empty=False)
            for name, module in (("broken", Broken()), ("repaired", Repaired()))}


if __name__ == "__main__":
    show(reports())
