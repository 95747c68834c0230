"""The training loop: the critic and the generator take turns. It knows no loss and no data set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import InputError
from .callbacks import Callback
from .ema import Ema
from .engine import deferred_interrupt, flushed_denormals, frozen, keep_freed_memory, make_fabric, prefetched
from .finite import Losses, LossWatch, require_finite
from .networks import Discriminator, Generator, describe
from .objective import Objective
from .pixels import to_unit
from .randomness import Stream, checked, latents
from .snapshot import Snapshot, gather_optimizers, gather_weights, restore_optimizers, restore_weights


@dataclass(frozen=True)
class TrainerSettings:
    """How to train; everything but device and precision has to be the same when a run is resumed."""

    learning_rate: float = 2e-4  # of Adam, for both networks
    betas: tuple[float, float] = (0.5, 0.999)  # of Adam
    ema_decay: float = 0.999  # of the generator's averaged weights
    seed: int = 0  # of the latent vectors; the networks have their own
    device: str = "auto"  # cpu, cuda, or auto: cuda where there is one
    precision: str = "32"  # 32, or bf16: mixed precision


class Trainer:
    """Trains a generator against a discriminator.

    Arguments:
        generator: latents (B, latent_dim) → images (B, c, H, W) in [-1, 1].
        discriminator: images → logits (B,).
        objective: the losses.
        batches: the real images of a given step, uint8 (B, c, H, W). The same step must give the same batch: then a
            resumed run repeats the uninterrupted one exactly. Called from another thread, one step ahead.
        settings: how to train.
        callbacks: called in this order at every event.
    """

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        objective: Objective,
        batches: Callable[[int], np.ndarray],
        settings: TrainerSettings | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self.generator, self.discriminator, self.objective = generator, discriminator, objective
        self.batches, self.callbacks = batches, callbacks
        self.settings = settings or TrainerSettings()
        self.seed = checked(self.settings.seed)
        self.step = 0  # steps completed
        self.images = 0  # real images seen by this process
        self.fabric = make_fabric(self.settings.device, self.settings.precision)
        self._generate, self._generator_optimizer = self._set_up(generator)
        self._critic, self._critic_optimizer = self._set_up(discriminator)
        self.ema = Ema(generator, self.settings.ema_decay)
        self._networks = {"generator": generator, "discriminator": discriminator, "ema": self.ema.network}
        self._optimizers = {"generator": self._generator_optimizer, "discriminator": self._critic_optimizer}
        self._watch = LossWatch()

    def train(self, until: int) -> None:
        """Train until so many steps are complete, counted from the very first one.

        Raises:
            TrainingError: losses or weights are not finite.
            KeyboardInterrupt: Ctrl-C; the step at hand was completed and the callbacks were told to stop.
        """
        keep_freed_memory()
        for callback in self.callbacks:
            callback.start(self)
        with flushed_denormals(), deferred_interrupt() as interrupted:
            for levels in prefetched(self.batches, range(self.step, until)):
                losses = self._take_turns(self._real(levels))
                self.step += 1
                self._watch.add(self.step, losses)
                for callback in self.callbacks:
                    callback.step(self, losses)
                if interrupted():
                    break
            self._watch.look()
            for callback in self.callbacks:
                callback.stop(self)

    def _take_turns(self, real: Tensor) -> Losses:
        latent = latents(self.seed, Stream.TRAINING_LATENTS, self.step, len(real), self.generator.latent_dim)
        with self.fabric.autocast():  # around both passes of the critic, so that its weights are cast once
            fake = self._generate(latent.to(self.fabric.device))
            critic_loss = self.objective.critic_loss(self._critic, real, fake.detach())
        self._update(self._critic_optimizer, critic_loss)
        with frozen(self.discriminator), self.fabric.autocast():
            generator_loss = self.objective.generator_loss(self._critic, fake)
        self._update(self._generator_optimizer, generator_loss)
        self.ema.update(self.step)
        return Losses(critic_loss.detach(), generator_loss.detach())

    def _update(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        optimizer.step()

    def _real(self, levels: np.ndarray) -> Tensor:
        shape = self.generator.image_shape
        if levels.dtype != np.uint8 or levels.shape[1:] != shape or not len(levels):
            raise InputError(f"batch {self.step} is {levels.dtype} {levels.shape}; must be uint8 (B, {str(shape)[1:]}")
        self.images += len(levels)
        real = to_unit(torch.from_numpy(np.array(levels, order="C")).to(self.fabric.device))
        return real.contiguous(memory_format=torch.channels_last)  # (B, c, H, W)

    def snapshot(self) -> Snapshot:
        """Return all that is needed to go on exactly from here; TrainingError if it is not worth going on from."""
        self._watch.look()
        weights = gather_weights(self._networks)
        require_finite(self.step, weights)
        return Snapshot(self.step, *self._description(), weights, gather_optimizers(self._optimizers))

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot; InputError if it is of a trainer with other networks or settings."""
        snapshot.require(*self._description())
        restore_weights(self._networks, snapshot.weights)
        restore_optimizers(self._optimizers, snapshot.optimizer)
        self.step = snapshot.step

    def _description(self) -> tuple[dict, dict]:
        decisive = ("learning_rate", "ema_decay", "seed")
        settings = {name: getattr(self.settings, name) for name in decisive} | {"betas": list(self.settings.betas)}
        return describe(self.generator), settings

    def _set_up(self, network: nn.Module) -> tuple[Callable[[Tensor], Tensor], torch.optim.Optimizer]:
        network.train().to(memory_format=torch.channels_last)
        parameters = list(network.parameters())
        optimizer = torch.optim.Adam(parameters, self.settings.learning_rate, self.settings.betas, fused=True)
        return self.fabric.setup(network, optimizer)  # moves the network to the device
