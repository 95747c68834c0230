"""The training loop: critics and generator are updated in turn. It knows no loss, no network and no data set."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import InputError
from ...parallel import prefetched
from ..batch import Batch, checked_batch, to_device, to_unit
from ..networks import Architecture
from ..networks.modules import Networks
from ..objectives.objective import Objective, Step
from ..randomness import Stream, checked, latents, torch_generator
from .checkpoint import Snapshot, gather_optimizers, part, restore_optimizers
from .processes import Ranks, Signal
from .runtime import deferred_interrupt, flushed_denormals, keep_freed_memory, make_fabric, quiet

Network = TypeVar("Network", bound=nn.Module)
RESTART = 10**9  # batches between the random numbers of one restart and those of the next
LOOK_EVERY = 16  # steps; reading a loss makes a GPU wait

Losses = Mapping[str, Tensor]
"""Scalars of one step on the training device, by name: each critic, "generator", the objective's figures."""


class TrainingError(InputError):
    """Training has diverged: losses or weights are no longer finite numbers."""


class _RollbackError(Exception):
    """Training is to go on from an earlier state."""


class Callback:
    """Base of all callbacks: does nothing at every event; a subclass overrides the events that it is about.

    Callbacks run on rank 0, in the order in which the trainer got them.
    """

    def start(self, trainer: "Trainer") -> None:
        """Training begins, is resumed, or was rolled back; `trainer.step` steps are complete."""

    def step(self, trainer: "Trainer", losses: Losses) -> None:
        """A step is complete and counted in `trainer.step`."""

    def stop(self, trainer: "Trainer") -> None:
        """Training ends, complete, finished or interrupted, between two steps. Not called after an error."""

    def failed(self, trainer: "Trainer", error: TrainingError) -> None:
        """Losses or weights are not finite; the error is raised unless a callback calls `trainer.roll_back`."""


@dataclass(frozen=True)
class TrainerSettings:
    """How to train; everything but device and precision has to be the same when a run is resumed.

    Several processes, devices × nodes, share the batch of each step, and learn as one with all of it. A resumed run
    repeats an uninterrupted one bit by bit with one process or two, with more up to the order of sums in DDP.
    """

    learning_rate: float = 2e-4  # of Adam, for all networks
    betas: tuple[float, float] | None = None  # of Adam; None: the objective's
    ema_decay: float = 0.999  # of the generator's averaged weights
    seed: int = 0  # of weights, latent vectors and penalties
    device: str = "auto"  # cpu, cuda, or auto: cuda where there is one
    precision: str = "32"  # 32, or bf16: mixed precision
    devices: int = 1  # processes (CPU) or GPUs on each machine
    nodes: int = 1  # machines


class Trainer:
    """Trains a generator against its critics.

    Arguments:
        architecture: of the networks; they are built with the settings' seed, and with critics that use no statistics
            over the batch where the objective needs that.
        objective: the losses.
        batches: the real images of a given number, step · critic_steps + k for the critics' update k. The same number
            must give the same batch, for resumed runs to be exact. Called from another thread, one batch ahead; after a
            rollback the numbers are 10⁹ further on. Each of several processes has a share of its own, of equal size.
        settings: how to train.
        callbacks: called in this order at every event; of several processes only on rank 0.

    Raises:
        InputError: networks, objective or settings that do not go together; a device that this machine lacks.
    """

    def __init__(
        self,
        architecture: Architecture,
        objective: Objective,
        batches: Callable[[int], Batch],
        settings: TrainerSettings | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        objective.require_head(architecture.head)
        self.architecture = architecture.per_sample() if objective.per_sample else architecture
        self.objective, self.batches, self.callbacks = objective, batches, callbacks
        self.settings = chosen = settings or TrainerSettings()
        self.seed, self.betas = checked(chosen.seed), chosen.betas or objective.betas
        self.step = 0  # steps completed
        self.restarts = 0  # how often training was rolled back
        self.images = 0  # real images used since this process began, by all processes
        self.batch: Batch | None = None  # the last real images of this process
        self.finished: str | None = None  # why training ended before its last step
        self.fabric = make_fabric(chosen.device, chosen.precision, chosen.devices, chosen.nodes)
        self.ranks = Ranks(self.fabric)
        self.networks = self.architecture.build(self.seed)
        trained: dict[str, nn.Module] = {"generator": self.networks.generator}
        trained |= {f"critic.{name}": critic for name, critic in self.networks.critics.items()}
        prepared = {name: self._set_up(network) for name, network in trained.items()}
        self.ema = Ema(self.networks.generator, chosen.ema_decay)
        self._networks = {**trained, "ema": self.ema.network}
        self._optimizers = {name: optimizer for name, (_, optimizer) in prepared.items()}
        # the wrapped networks average gradients over the processes in the backward pass
        self._wrapped = Networks(
            prepared["generator"][0], {name: prepared[f"critic.{name}"][0] for name in self.networks.critics}
        )
        self._unread: list[tuple[int, Losses]] = []  # losses that may not be finite, by step
        self._load_snapshot: Callable[[], Snapshot] | None = None

    def train(self, until: int) -> None:
        """Train until so many steps are complete, counted from the very first one, or until a callback finishes it.

        Raises:
            TrainingError: losses or weights are not finite.
            KeyboardInterrupt: Ctrl-C; the current step was completed and the callbacks were stopped.
        """
        keep_freed_memory()
        self.finished, self._load_snapshot = None, None
        main = self.ranks.is_main
        with self.ranks.translating_peer_loss(), flushed_denormals(), quiet(), deferred_interrupt(main) as interrupted:
            while True:
                try:
                    return self._run(until, interrupted)
                except _RollbackError:
                    self._restart()

    def _run(self, until: int, interrupted: Callable[[], bool]) -> None:
        with self.ranks.agreeing():
            self._emit("start")
        first, each = self.restarts * RESTART, self.objective.critic_steps
        numbers = range(first + self.step * each, first + until * each)
        with closing(prefetched(map(self.batches, numbers), 1)) as source:
            losses: Losses | None = None
            while batches := self._next_batches(losses, source, until, interrupted):
                losses = self.train_step(batches)

    def _next_batches(
        self, losses: Losses | None, source: Iterator[Batch], until: int, interrupted: Callable[[], bool]
    ) -> list[Batch]:
        """Call back after a step, on rank 0, and return the next step's batches; none at the end."""
        batches = []
        with self.ranks.agreeing() as vote:
            if self.ranks.is_main:
                vote.signal = self._report(losses, until, interrupted)
            if vote.signal == Signal.GO and self.step < until:  # beyond it, rank 0 ends training
                each, made = self.objective.critic_steps, self.architecture
                for number in range(self.step * each, (self.step + 1) * each):
                    batches.append(checked_batch(next(source), number, made.image_shape, made.classes))
        if vote.signal == Signal.ROLLBACK:
            raise _RollbackError
        return [] if vote.signal == Signal.END else batches

    def _report(self, losses: Losses | None, until: int, interrupted: Callable[[], bool]) -> Signal:
        try:
            if losses is not None:
                self._unread.append((self.step, losses))
                if len(self._unread) >= LOOK_EVERY:
                    self._require_finite_losses()
                self._emit("step", losses)
            if self._load_snapshot is None and (self.step >= until or self.finished or interrupted()):
                self._require_finite_losses()
                self._emit("stop")
                return Signal.END
        except TrainingError as error:
            self._emit("failed", error)
            if self._load_snapshot is None:
                raise
        return Signal.GO if self._load_snapshot is None else Signal.ROLLBACK

    def _emit(self, event: str, *arguments: Any) -> None:
        for callback in self.callbacks if self.ranks.is_main else ():
            getattr(callback, event)(self, *arguments)

    def train_step(self, batches: Sequence[Batch]) -> dict[str, Tensor]:
        """Update the critics once for each batch, then the generator, and return the last losses."""
        number = self.restarts * RESTART + self.step * len(batches)
        for k, batch in enumerate(batches):
            with self.fabric.autocast():  # around both passes of the critics, so that their weights are cast once
                step = self._new_step(batch, number + k, for_generator=k == len(batches) - 1)
                critics = replace(step, wrapped=self._wrapped, fake=step.fake.detach())
                losses = self.objective.critic_losses(critics)
            for name, loss in losses.items():
                self._update(f"critic.{name}", loss)
        for critic in self.networks.critics.values():  # gradients pass through it, its weights get none
            critic.requires_grad_(False)
        with self.fabric.autocast():
            generator_loss = self.objective.generator_loss(step)
        for critic in self.networks.critics.values():
            critic.requires_grad_(True)
        self._update("generator", generator_loss)
        if self.ranks.is_main:
            self.ema.update(self.step)
        self.step += 1
        scalars = {name: loss.detach() for name, loss in losses.items()}
        scalars |= {"generator": generator_loss.detach(), **step.figures}
        if self.ranks.count == 1:
            return scalars
        return dict(zip(scalars, self.ranks.mean(torch.stack(list(scalars.values()))), strict=True))

    def _new_step(self, batch: Batch, number: int, for_generator: bool) -> Step:
        rank, ranks, device = self.ranks.rank, self.ranks.count, self.fabric.device
        self.batch, images = batch, batch.images
        count = len(images) * ranks
        self.images += count
        if isinstance(images, np.ndarray):
            images = to_device(torch.from_numpy(np.array(images, order="C")), device)
        real = to_unit(images).contiguous(memory_format=torch.channels_last)  # (B, c, H, W)
        labels = None if batch.labels is None else to_device(torch.from_numpy(batch.labels.astype(np.int64)), device)
        latent = latents(self.seed, Stream.TRAINING_LATENTS, number, count, self.architecture.latent_dim)
        latent = to_device(latent[rank::ranks], device)  # shared out as the rows of the batch are
        with torch.set_grad_enabled(for_generator):
            fake = self._wrapped.generator(latent, labels)
        random = torch_generator(self.seed, Stream.OBJECTIVE, number)
        return Step(self.networks, real, fake, labels, random, rank, ranks)

    def _update(self, name: str, loss: Tensor) -> None:
        optimizer = self._optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        optimizer.step()

    def finish(self, reason: str) -> None:
        """Let training end after the current step (for callbacks); `finished` keeps the first reason."""
        self.finished = self.finished or reason

    def roll_back(self, load_snapshot: Callable[[], Snapshot]) -> None:
        """Let training restart after the current step from what `load_snapshot` returns, with other random numbers."""
        self._load_snapshot = load_snapshot

    def _restart(self) -> None:
        restarts, load_snapshot = self.restarts, self._load_snapshot
        self._load_snapshot, self._unread, self.finished = None, [], None
        self.resume(lambda: load_snapshot() if load_snapshot else None)
        self.restarts = restarts + 1

    def snapshot(self) -> Snapshot:
        """Return all that is needed to go on exactly from here; TrainingError if weights or losses are not finite."""
        self._require_finite_losses()
        networks = self._networks.items()
        weights = {f"{name}.{key}": tensor for name, net in networks for key, tensor in net.state_dict().items()}
        for name, tensor in weights.items():  # the losses of a step are computed before its update
            if not torch.isfinite(tensor).all():
                raise _diverged(f"after step {self.step} the weights {name} are not finite")
        optimizer = gather_optimizers(self._optimizers)
        return Snapshot(self.step, *self._identity(), weights, optimizer, self.restarts)

    def _require_finite_losses(self) -> None:
        unread, self._unread = self._unread, []
        if not unread:
            return
        values = torch.stack([torch.stack(list(losses.values())) for _, losses in unread]).tolist()  # one transfer
        for (step, losses), row in zip(unread, values, strict=True):
            if not all(map(math.isfinite, row)):
                words = ", ".join(f"{name} {value:g}" for name, value in zip(losses, row, strict=True))
                raise _diverged(f"in step {step} the losses are {words}")

    def resume(self, load_snapshot: Callable[[], Snapshot | None]) -> None:
        """Go on from what `load_snapshot` returns on rank 0, if anything; InputError if networks or settings differ."""

        def load_checked() -> Snapshot | None:
            snapshot = load_snapshot()
            if snapshot is not None:
                snapshot.require(*self._identity())
            return snapshot

        if (snapshot := self.ranks.broadcast(load_checked)) is not None:
            for name, network in self._networks.items():
                network.load_state_dict(part(snapshot.weights, name))
            restore_optimizers(self._optimizers, snapshot.optimizer)
            self.step, self.restarts = snapshot.step, snapshot.restarts

    def close(self) -> None:
        """Leave the process group; training is over."""
        self.ranks.close()

    def _identity(self) -> tuple[Architecture, dict[str, Any], dict[str, Any]]:
        """What has to be the same when training is resumed."""
        settings = {name: getattr(self.settings, name) for name in ("learning_rate", "ema_decay", "seed")}
        settings |= {"betas": list(self.betas), "processes": self.ranks.count}
        return self.architecture, self.objective.state(), settings

    def _set_up(self, network: nn.Module) -> tuple[Any, torch.optim.Optimizer]:
        if self.ranks.count > 1 and self.fabric.device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(network)
        network.train().to(memory_format=torch.channels_last)
        parameters = list(network.parameters())
        optimizer = torch.optim.Adam(parameters, self.settings.learning_rate, self.betas, fused=True)
        with quiet():
            return self.fabric.setup(network, optimizer)  # moves the network to the device


class Ema(Generic[Network]):
    """Exponential moving average of a network's weights and normalization statistics, which is sampled from.

    Arguments:
        source: the network in training; its current state is where the average starts.
        decay: what is kept of the average at each update, late in training; earlier (1 + t) / (10 + t) if that is less,
            so that the first random weights are soon forgotten.
    """

    def __init__(self, source: Network, decay: float = 0.999) -> None:
        self.decay = decay
        self.network = deepcopy(source).eval().requires_grad_(False)
        self._source = source

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take the source's present weights into the average; `step` counts the updates before this one."""
        decay = min(self.decay, (1 + step) / (10 + step))
        averages, sources = ([*net.parameters(), *net.buffers()] for net in (self.network, self._source))
        pairs = list(zip(averages, sources, strict=True))
        floating = [(average, source) for average, source in pairs if average.is_floating_point()]
        torch._foreach_lerp_([a for a, _ in floating], [source.detach() for _, source in floating], 1.0 - decay)
        for average, source in pairs:
            if not average.is_floating_point():  # the count of batches
                average.copy_(source)


def _diverged(what: str) -> TrainingError:
    return TrainingError(f"training has diverged: {what}; use a lower learning rate or precision 32")
