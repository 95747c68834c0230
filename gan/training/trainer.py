"""The training loop: the critic and the generator take turns. It knows no loss and no data set."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import InputError
from ..batch import Batch, checked_batch
from ..networks.architecture import Architecture, Discriminator, Generator
from ..objectives.objective import Objective
from ..pixels import to_unit
from ..randomness import Stream, checked, latents
from .callbacks import Callback
from .ema import Ema
from .finite import Losses, LossWatch, TrainingError, require_finite
from .processes import Company, Word
from .resident import to_device
from .runtime import deferred_interrupt, flushed_denormals, frozen, keep_freed_memory, make_fabric, prefetched, quiet
from .snapshot import Snapshot, gather_optimizers, gather_weights, restore_optimizers, restore_weights

DETOUR = 10**9  # steps between the batches and latents of one course of training and those of the next


@dataclass(frozen=True)
class TrainerSettings:
    """How to train; everything but device and precision has to be the same when a run is resumed.

    Several processes, devices × nodes, share the batch of each step: together they learn as one with all of it.
    A resumed run repeats an uninterrupted one bit by bit with one process or two; with more up to the order of sums, as
    DDP shares the gradients out anew after its first step.
    """

    learning_rate: float = 2e-4  # of Adam, for both networks
    betas: tuple[float, float] = (0.5, 0.999)  # of Adam
    ema_decay: float = 0.999  # of the generator's averaged weights
    seed: int = 0  # of the latent vectors; the networks have their own
    device: str = "auto"  # cpu, cuda, or auto: cuda where there is one
    precision: str = "32"  # 32, or bf16: mixed precision
    devices: int = 1  # processes (CPU) or GPUs on each machine
    nodes: int = 1  # machines


class Trainer:
    """Trains a generator against a discriminator.

    Arguments:
        generator: latents (B, latent_dim), labels (B,) or None → images (B, c, H, W) in [-1, 1].
        discriminator: of the same architecture.
        objective: the losses.
        batches: the real images of a given step. The same step must give the same batch: then a resumed run repeats
            the uninterrupted one exactly. Called from another thread, one step ahead. After going back, the steps
            asked for are 10⁹ further on. Of several processes each has a share of its own, of equal size.
        settings: how to train.
        callbacks: called in this order at every event; of several processes only on the first.

    Raises:
        InputError: networks, objective or settings that do not go together; a device that is not there.
    """

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        objective: Objective,
        batches: Callable[[int], Batch],
        settings: TrainerSettings | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self.architecture = _common(generator, discriminator, objective)
        self.generator, self.discriminator, self.objective = generator, discriminator, objective
        self.batches, self.callbacks = batches, callbacks
        self.settings = settings or TrainerSettings()
        self.seed = checked(self.settings.seed)
        self.step = 0  # steps completed
        self.detour = 0  # how often training went back
        self.images = 0  # real images seen since this process began, by all processes
        self.batch: Batch | None = None  # the real images of the last step of this process
        self.finished: str | None = None  # why training ended before its last step
        self.fabric = make_fabric(
            self.settings.device, self.settings.precision, self.settings.devices, self.settings.nodes
        )
        self.company = Company(self.fabric)
        self._generate, self._generator_optimizer = self._set_up(generator)
        self._critic, self._critic_optimizer = self._set_up(discriminator)
        self.ema = Ema(generator, self.settings.ema_decay)
        self._networks = {"generator": generator, "discriminator": discriminator, "ema": self.ema.network}
        self._optimizers = {"generator": self._generator_optimizer, "discriminator": self._critic_optimizer}
        self._watch = LossWatch()
        self._way_back: Callable[[], Snapshot] | None = None

    def train(self, until: int) -> None:
        """Train until so many steps are complete, counted from the very first one, or until a callback finishes it.

        Raises:
            TrainingError: losses or weights are not finite.
            KeyboardInterrupt: Ctrl-C; the step at hand was completed and the callbacks were told to stop.
        """
        keep_freed_memory()
        self.finished, self._way_back = None, None
        first = self.company.first
        with self.company.reaching(), flushed_denormals(), quiet(), deferred_interrupt(first) as interrupted:
            self._start()
            while not self._arrives(until, interrupted):
                self._return()

    def finish(self, reason: str) -> None:
        """Let training end after the step at hand (for callbacks); `finished` keeps the first reason."""
        self.finished = self.finished or reason

    def go_back(self, way: Callable[[], Snapshot]) -> None:
        """Let training go on from an earlier state after the step at hand, with other batches and latents.

        Arguments:
            way: returns the state; called when all callbacks have seen the step.
        """
        self._way_back = way

    def _arrives(self, until: int, interrupted: Callable[[], bool]) -> bool:
        """Whether training came to an end; False when it has to go back."""
        course = self.detour * DETOUR
        seen: Callable[[], None] = _nothing
        with closing(prefetched(self.batches, range(course + self.step, course + until))) as batches:
            while True:
                word = self.company.agree(lambda: self._next(seen, batches, until, interrupted))  # noqa: B023
                if word != Word.GO:
                    return word == Word.END
                seen = partial(self._look, self._advance())

    def _next(
        self, seen: Callable[[], None], batches: Iterator[Batch], until: int, interrupted: Callable[[], bool]
    ) -> Word:
        """Let the callbacks see the last step, in the first process only; what is next, its batch being there."""
        if self.company.first:
            try:
                seen()
                if self._way_back is None and (self.step >= until or self.finished or interrupted()):
                    self._watch.look()
                    for callback in self.callbacks:
                        callback.stop(self)
                    return Word.END
            except TrainingError as error:
                for callback in self.callbacks:
                    callback.failed(self, error)
                if self._way_back is None:
                    raise
            if self._way_back is not None:
                return Word.BACK
        if self.step < until:  # else the first process ends it
            self.batch = next(batches)
            checked_batch(self.batch, self.step, self.architecture.image_shape, self.architecture.classes)
        return Word.GO

    def _advance(self) -> Losses:
        assert self.batch is not None
        losses = self._take_turns(*self._on_device(self.batch))
        self.step += 1
        return losses

    def _look(self, losses: Losses) -> None:
        self._watch.add(self.step, losses)
        for callback in self.callbacks:
            callback.step(self, losses)

    def _return(self) -> None:
        detour, way = self.detour, self._way_back
        self._way_back, self._watch, self.finished = None, LossWatch(), None
        self.resume(lambda: way() if way else None)
        self.detour = detour + 1
        self._start()

    def _start(self) -> None:
        def work() -> Word:
            for callback in self.callbacks if self.company.first else ():
                callback.start(self)
            return Word.GO

        self.company.agree(work)

    def _take_turns(self, real: Tensor, labels: Tensor | None) -> Losses:
        course = self.step + self.detour * DETOUR
        rank, count = self.company.rank, self.company.count
        latent = latents(self.seed, Stream.TRAINING_LATENTS, course, len(real) * count, self.architecture.latent_dim)
        latent = latent[rank::count]  # as the rows of the batch are shared
        with self.fabric.autocast():  # around both passes of the critic, so that its weights are cast once
            fake = self._generate(to_device(latent, self.fabric.device), labels)
            critic = self.objective.critic_loss(self._critic, real, fake.detach(), labels)
        self._update(self._critic_optimizer, critic.loss)
        with frozen(self.discriminator), self.fabric.autocast():
            # not the critic that averages gradients over processes: it would wait for some
            generator_loss = self.objective.generator_loss(self.discriminator, fake, labels)
        self._update(self._generator_optimizer, generator_loss)
        if self.company.first:
            self.ema.update(self.step)
        losses = (critic.loss.detach(), generator_loss.detach(), critic.real_accuracy, critic.fake_accuracy)
        if self.company.count == 1:
            return Losses(*losses)
        return Losses(*self.company.mean(torch.stack([loss for loss in losses if loss is not None])))

    def _update(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        optimizer.step()

    def _on_device(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        self.images += len(batch.images) * self.company.count
        device, images = self.fabric.device, batch.images
        if isinstance(images, np.ndarray):
            images = to_device(torch.from_numpy(np.array(images, order="C")), device)
        real = to_unit(images)
        labels = None if batch.labels is None else to_device(torch.from_numpy(batch.labels.astype(np.int64)), device)
        return real.contiguous(memory_format=torch.channels_last), labels  # (B, c, H, W), (B,)

    def snapshot(self) -> Snapshot:
        """Return all that is needed to go on exactly from here; TrainingError if it is not worth going on from."""
        self._watch.look()
        weights = gather_weights(self._networks)
        require_finite(self.step, weights)
        optimizer = gather_optimizers(self._optimizers)
        return Snapshot(self.step, self.architecture, self._decisive(), weights, optimizer, self.detour)

    def resume(self, find: Callable[[], Snapshot | None]) -> None:
        """Go on from what the first process finds, if it finds anything; the others are told.

        Arguments:
            find: called on the first process only.

        Raises:
            InputError: what it raises, or a snapshot of a trainer with other networks or settings.
        """

        def checked_find() -> Snapshot | None:
            found = find()
            if found is not None:
                found.require(self.architecture, self._decisive())
            return found

        snapshot = self.company.from_first(checked_find)
        if snapshot is not None:
            self.restore(snapshot)

    def close(self) -> None:
        """Part with the other processes, if there are any; training is over."""
        self.company.close()

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot; InputError if it is of a trainer with other networks or settings."""
        snapshot.require(self.architecture, self._decisive())
        restore_weights(self._networks, snapshot.weights)
        restore_optimizers(self._optimizers, snapshot.optimizer)
        self.step, self.detour = snapshot.step, snapshot.detour

    def _decisive(self) -> dict[str, Any]:
        decisive = ("learning_rate", "ema_decay", "seed")
        chosen = {name: getattr(self.settings, name) for name in decisive}
        return chosen | {"betas": list(self.settings.betas), "processes": self.company.count}

    def _set_up(self, network: nn.Module) -> tuple[Callable[..., Any], torch.optim.Optimizer]:
        if self.company.count > 1 and self.fabric.device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(network)
        network.train().to(memory_format=torch.channels_last)
        parameters = list(network.parameters())
        optimizer = torch.optim.Adam(parameters, self.settings.learning_rate, self.settings.betas, fused=True)
        with quiet():
            return self.fabric.setup(network, optimizer)  # moves the network to the device


def _nothing() -> None:
    """Before the first step nothing was seen."""


def _common(generator: Generator, discriminator: Discriminator, objective: Objective) -> Architecture:
    architecture = generator.architecture
    if discriminator.architecture != architecture:
        raise InputError(
            f"generator of {architecture} and discriminator of {discriminator.architecture}; must be equal"
        )
    if architecture.head not in objective.heads:
        name = type(objective).__name__
        raise InputError(f"the objective {name} needs the head {' or '.join(objective.heads)}; not {architecture.head}")
    return architecture
