"""Trains in every process that torchrun started; test_distributed.py runs it and looks at what it leaves.

    torchrun --nproc-per-node 2 together.py FOLDER
fills FOLDER with <case>.safetensors, what each case has learned, and said.json, what the processes noticed.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist
from anonimage.errors import InputError
from anonimage.gan.batch import Batch
from anonimage.gan.training.processes import PeerFailedError
from anonimage.gan.training.trainer import Callback, Trainer
from anonimage.launch import rank
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "gan"))
import small

COUNT = 2
STEPS = 6
CASES = {
    "plain": {},
    "auxiliary": {"architecture": small.AUXILIARY},
    "projection": {"architecture": small.PROJECTION},
    "moments": {"architecture": small.MOMENTS},
    "wasserstein": {"objective": "wasserstein"},
    "bf16": {"precision": "bf16"},
}


class Eye(Callback):
    """Keeps the losses, and acts at the third step."""

    def __init__(self, at_three=lambda trainer: None):
        self.at_three, self.losses = at_three, []

    def start(self, trainer):
        if trainer.step == 0:
            self.state = trainer.snapshot()
            self.state = replace(self.state, weights={name: t.clone() for name, t in self.state.weights.items()})

    def step(self, trainer, losses):
        self.losses.append([loss.item() for loss in losses.values()])
        if trainer.step == 3:
            self.at_three(trainer)


def new_trainer(eye, share=(0, 1), **settings) -> Trainer:
    """Of the small networks, with a share of each batch."""
    whole = small.labelled if settings.get("architecture", small.PLAIN).classes else small.batches

    def batches(step: int) -> Batch:
        images, labels = whole(step)
        return Batch(images[share[0] :: share[1]], None if labels is None else labels[share[0] :: share[1]])

    return small.trainer([eye], batches, devices=share[1], **settings)


def learned(trainer: Trainer) -> dict[str, torch.Tensor]:
    state = trainer.snapshot()
    return state.weights | {f"optimizer.{name}": tensor for name, tensor in state.optimizer.items()}


def equal(first: Trainer, second: Trainer) -> bool:
    a, b = learned(first), learned(second)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    share, said = (rank(), COUNT), {}
    for name, settings in CASES.items():
        eye = Eye()
        trainer = new_trainer(eye, share, **settings)
        trainer.train(STEPS)
        said[name] = eye.losses
        if rank() == 0:
            save_file(
                {key: tensor.contiguous() for key, tensor in learned(trainer).items()}, folder / f"{name}.safetensors"
            )

    whole, half = new_trainer(Eye(), share), new_trainer(Eye(), share)
    whole.train(STEPS)
    half.train(2)
    resumed = new_trainer(Eye(), share)
    resumed.resume(lambda: half.snapshot())
    resumed.train(STEPS)
    said["resumed alike"] = rank() != 0 or equal(resumed, whole)

    eye = Eye(lambda trainer: trainer.restarts or trainer.roll_back(lambda: replace(eye.state, optimizer={})))
    back = new_trainer(eye, share)
    back.train(4)
    said["back"] = [back.step, back.restarts]

    ended = new_trainer(Eye(lambda trainer: trainer.finish("enough")), share)
    ended.train(STEPS)
    said["ended"] = ended.step

    def full(trainer):
        raise InputError("disk full")

    try:
        new_trainer(Eye(full), share).train(STEPS)
    except InputError as error:
        said["failed"] = "another rank failed" if isinstance(error, PeerFailedError) else str(error)

    everyone = [None] * COUNT
    dist.all_gather_object(everyone, said)
    if rank() == 0:
        (folder / "said.json").write_text(json.dumps(everyone))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
