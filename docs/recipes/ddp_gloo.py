"""DistributedDataParallel, two real processes on a CPU: does each token weigh the same?

A piece is what one rank gets. The ranks wait for batches; rank 0 sends back the gradient after the all-reduce.
"""

import tempfile

import torch
import torch.distributed as dist
from items import IGNORED, keep, length, make_items, show, tokens
from pytorch_loop import Tagger, collate
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from lstmlib.weighing import examine

RANKS = 2
CUTS = [[[0, 1], [2, 3]], [[0, 3], [1, 2]], [[0], [1, 2, 3]], [[0], [1]]]  # always two pieces


def broken(model, batch):
    """Each rank takes the mean over its own tokens; the all-reduce takes the mean over ranks."""
    logits = model(batch["input_ids"])
    cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), ignore_index=IGNORED).backward()


def repaired(model, batch):
    """Sums, over the tokens of all ranks, times the number of ranks that the all-reduce divides by."""
    n = (batch["labels"] != IGNORED).sum()
    dist.all_reduce(n)
    logits = model(batch["input_ids"])
    loss = cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), ignore_index=IGNORED, reduction="sum")
    (loss * dist.get_world_size() / n.clamp(min=1)).backward()


def rank_of_two(rank, file, train, pipe):
    """One process: for every batch that comes through the pipe, the gradient goes back."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=RANKS)
    model = DistributedDataParallel(Tagger().eval())
    while (items := pipe.recv()) is not None:
        model.zero_grad()
        train(model, collate(items))
        pipe.send([parameter.grad.numpy().copy() for parameter in model.parameters()])
    dist.destroy_process_group()


def examine_ranks(train, **more):
    context = torch.multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        pipes, ends = zip(*(context.Pipe() for _ in range(RANKS)))
        processes = [context.Process(target=rank_of_two, args=(rank, f"{folder}/rendezvous", train, end), daemon=True)
                     for rank, end in enumerate(ends)]
        for process in processes:
            process.start()

        def gradient(pieces):
            for pipe, piece in zip(pipes, pieces, strict=True):
                pipe.send(piece)
            return [pipe.recv() for pipe in pipes][0]

        report = examine(gradient, make_items(), tokens, length, keep, cuts=CUTS, means="tokens", empty=False, **more)
        for pipe, process in zip(pipes, processes):
            pipe.send(None)
            process.join(30)
    return report


def reports():
    return {"broken": examine_ranks(broken), "repaired": examine_ranks(repaired)}


if __name__ == "__main__":
    show(reports())
