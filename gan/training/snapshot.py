"""The state of training as named tensors and JSON values: what a checkpoint holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ...errors import InputError
from ..networks.architecture import Architecture, Discriminator, Generator, new_discriminator, new_generator


@dataclass(frozen=True)
class Snapshot:
    """Everything that training needs to go on exactly where it stood.

    Arguments:
        step: steps completed.
        networks: of what architecture they are.
        settings: those of the trainer's settings that decide the result, as JSON values.
        weights: tensors by name, each name beginning with generator., discriminator. or ema.
        optimizer: tensors by name, each name beginning with generator. or discriminator.
        detour: how often training went back and took another course of chance.
    """

    step: int
    networks: Architecture
    settings: dict[str, Any]
    weights: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    detour: int = 0

    def require(self, networks: Architecture, settings: dict[str, Any]) -> None:
        """Raise InputError unless the snapshot is of these networks and settings."""
        pairs = (
            ("networks", self.networks.to_state(), networks.to_state()),
            ("settings", {"processes": 1} | self.settings, settings),  # once there was only one process
        )
        for what, there, here in pairs:
            for name in there.keys() | here.keys():
                if there.get(name) != here.get(name):
                    raise InputError(
                        f"the checkpoint of step {self.step} was trained with {what} {name} = {there.get(name)}, "
                        f"this run has {here.get(name)}; resume with the former, or start a new run"
                    )

    def averaged_generator(self) -> Generator:
        """Return what is sampled from: the generator with its averaged (EMA) weights, in eval mode, on the CPU."""
        generator = new_generator(self.networks)
        generator.load_state_dict(part(self.weights, "ema"))
        return generator.eval().requires_grad_(False)

    def trained_discriminator(self) -> Discriminator:
        """Return the discriminator, in eval mode, on the CPU."""
        discriminator = new_discriminator(self.networks)
        discriminator.load_state_dict(part(self.weights, "discriminator"))
        return discriminator.eval().requires_grad_(False)


def gather_weights(networks: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Return the weights and statistics of some networks, named `<network>.<weight>`; not copied."""
    return {f"{name}.{key}": tensor for name, net in networks.items() for key, tensor in net.state_dict().items()}


def restore_weights(networks: Mapping[str, nn.Module], tensors: dict[str, Tensor]) -> None:
    """Put back what `gather_weights` returned."""
    for name, network in networks.items():
        network.load_state_dict(part(tensors, name))


def gather_optimizers(optimizers: Mapping[str, Optimizer]) -> dict[str, Tensor]:
    """Return what some optimizers remember, named `<optimizer>.<number of the weight>.<slot>`."""
    return {
        f"{name}.{number}.{slot}": value
        for name, optimizer in optimizers.items()
        for number, slots in optimizer.state_dict()["state"].items()
        for slot, value in slots.items()
    }


def restore_optimizers(optimizers: Mapping[str, Optimizer], tensors: dict[str, Tensor]) -> None:
    """Put back what `gather_optimizers` returned."""
    for owner, optimizer in optimizers.items():
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in part(tensors, owner).items():
            number, slot = name.split(".")
            weight = weights[int(number)]
            if value.shape == weight.shape:
                # in the weight's own memory format: the fused kernel walks through both side by side
                value = torch.empty_like(weight, requires_grad=False).copy_(value)
            slots.setdefault(int(number), {})[slot] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})


def part(tensors: dict[str, Tensor], owner: str) -> dict[str, Tensor]:
    """Return one owner's tensors ("ema" for example) by their names without it."""
    return {name.removeprefix(f"{owner}."): tensor for name, tensor in tensors.items() if name.startswith(f"{owner}.")}
