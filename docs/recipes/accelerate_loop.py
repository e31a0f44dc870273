"""A loop with accelerate's accumulate(): does each token weigh the same?"""

import torch
from accelerate import Accelerator
from items import IGNORED, keep, length, make_items, show, tokens
from pytorch_loop import Tagger, collate
from torch.nn.functional import cross_entropy
from transformers_trainer import Recording

from lstmlib.weighing import examine


def broken(accelerator, model, optimizer, batches):
    """A mean in each micro-batch; `backward` divides by their number."""
    for batch in batches:
        with accelerator.accumulate(model):
            logits = model(batch["input_ids"])
            loss = cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), ignore_index=IGNORED)
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()


def repaired(accelerator, model, optimizer, batches):
    """Sums over the total count; times the number of micro-batches that `backward` divides by."""
    n = sum((batch["labels"] != IGNORED).sum() for batch in batches).clamp(min=1)
    for batch in batches:
        with accelerator.accumulate(model):
            logits = model(batch["input_ids"])
            loss = cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), ignore_index=IGNORED, reduction="sum")
            accelerator.backward(loss * accelerator.gradient_accumulation_steps / n)
            optimizer.step()
            optimizer.zero_grad()


def examine_loop(train):
    model = Tagger().eval()
    accelerator, recording = Accelerator(cpu=True, gradient_accumulation_steps=1), Recording(model.parameters(), lr=0)
    prepared_model, optimizer = accelerator.prepare(model, recording)

    def gradient(pieces):
        items = [item for piece in pieces for item in piece]
        numbers = iter(range(len(items)))
        loader = torch.utils.data.DataLoader(items, collate_fn=collate, batch_sampler=[
            [next(numbers) for _ in piece] for piece in pieces])
        accelerator.gradient_accumulation_steps = len(pieces)
        model.zero_grad()
        train(accelerator, prepared_model, optimizer, accelerator.prepare(loader))
        return recording.seen

    return examine(gradient, make_items(), tokens, length, keep, means="tokens", empty=False)


def reports():
    return {"broken": examine_loop(broken), "repaired": examine_loop(repaired)}


if __name__ == "__main__":
    show(reports())
