"""Snapshots of training, and the folders that hold them: safetensors and JSON, checksummed, no pickle.

checkpoints/000500/weights.safetensors      generator.*, critic.NAME.*, ema.*
checkpoints/000500/optimizer.safetensors    state of the optimizers: generator.*, critic.NAME.*
checkpoints/000500/state.json               step, restarts, architecture, objective, settings, versions, checksums
"""

import hashlib
import json
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.optim import Optimizer

from ...errors import InputError
from ...files import new_folder
from ..networks import Architecture
from ..networks.modules import Critic, Generator

Network = TypeVar("Network", bound=nn.Module)
FORMAT = 3
WEIGHTS, OPTIMIZER, STATE = "weights.safetensors", "optimizer.safetensors", "state.json"


@dataclass(frozen=True)
class Snapshot:
    """Everything that training needs to go on exactly where it stood."""

    step: int  # steps completed
    architecture: Architecture  # of the networks
    objective: dict[str, Any]  # name and options of the losses
    settings: dict[str, Any]  # those of the trainer's settings that decide the result, as JSON values
    weights: dict[str, Tensor]  # tensors by name, each name beginning with generator., critic.NAME. or ema.
    optimizer: dict[str, Tensor]  # tensors by name, each name beginning with generator. or critic.NAME.
    restarts: int = 0  # how often training was rolled back, each time to other batches and latents

    def require(self, architecture: Architecture, objective: dict[str, Any], settings: dict[str, Any]) -> None:
        """Raise InputError unless the snapshot is of these networks, this objective and these settings."""
        for what, saved, given in (
            ("networks", self.architecture.to_state(), architecture.to_state()),
            ("objective", self.objective, objective),
            ("settings", self.settings, settings),
        ):
            for name in [*saved, *(given.keys() - saved.keys())]:
                if saved.get(name) != given.get(name):
                    raise InputError(
                        f"the checkpoint of step {self.step} was trained with {what} {name} = {saved.get(name)}, "
                        f"this run has {given.get(name)}; resume with the former, or start a new run"
                    )

    def averaged_generator(self) -> Generator:
        """Return what is sampled from: the generator with its averaged (EMA) weights, in eval mode, on the CPU."""
        return self._loaded(self.architecture.build().generator, "ema")

    def trained_critic(self, name: str = "critic") -> Critic:
        """Return a critic, in eval mode, on the CPU."""
        return self._loaded(self.architecture.build().critics[name], f"critic.{name}")

    def _loaded(self, network: Network, owner: str) -> Network:
        network.load_state_dict(part(self.weights, owner))
        return network.eval().requires_grad_(False)


def gather_optimizers(optimizers: Mapping[str, Optimizer]) -> dict[str, Tensor]:
    """Return the state of some optimizers, named `<optimizer>.<number of the weight>.<slot>`."""
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


def save(snapshot: Snapshot, checkpoints: Path, keep: int = 3) -> Path:
    """Write a snapshot into the folder of checkpoints, delete all but the newest ones, and return the new one's folder.

    Raises:
        InputError: it cannot be written, for lack of space for example; nothing half-written stays.
    """
    folder = checkpoints / f"{snapshot.step:06d}"
    contents = {WEIGHTS: _to_bytes(snapshot.weights), OPTIMIZER: _to_bytes(snapshot.optimizer)}
    versions = {name: version(name) for name in ("torch", "numpy", "lightning-fabric", "safetensors")}
    state = {
        "format": FORMAT,
        "step": snapshot.step,
        "restarts": snapshot.restarts,
        "architecture": snapshot.architecture.to_state(),
        "objective": snapshot.objective,
        "settings": snapshot.settings,
        "versions": versions | {"python": platform.python_version(), "threads": str(torch.get_num_threads())},
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
    }
    state["checksum"] = _checksum(state)
    contents[STATE] = (json.dumps(state, indent=2) + "\n").encode()
    with writing(folder), new_folder(folder) as partial:
        for name, content in contents.items():
            (partial / name).write_bytes(content)
    newest = complete(checkpoints)[-keep:]
    discard(checkpoints, lambda step: step < int(newest[0].name))
    return folder


def discard(checkpoints: Path, unwanted: Callable[[int], bool]) -> None:
    """Delete checkpoints by their step, the newest first: a kill in between leaves the older ones as they were."""
    with writing(checkpoints):
        for folder in reversed(complete(checkpoints)):
            if unwanted(int(folder.name)):
                (folder / STATE).unlink()
                shutil.rmtree(folder)


def latest(checkpoints: Path) -> Path | None:
    """Return the newest checkpoint's folder, None when there is no checkpoint yet."""
    return next(reversed(complete(checkpoints)), None)


def load(folder: Path) -> Snapshot:
    """Read a checkpoint from its own folder, such as `latest` returns.

    Raises:
        InputError: a file is missing, cut, edited or of another version of the program.
    """
    state = _read_state(folder)
    try:
        architecture = Architecture.from_state(state["architecture"])
    except InputError as error:
        raise InputError(f"{folder / STATE}: {error}; it is of another version of anonimage, train anew") from error
    weights, optimizer = (_read_tensors(folder / name, state["sha256"][name]) for name in (WEIGHTS, OPTIMIZER))
    named = (state["objective"], state["settings"], weights, optimizer)
    return Snapshot(state["step"], architecture, *named, state["restarts"])


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failure to write (disk full, no permission) into one line."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path}: cannot be written ({reason}); make room or rights there, then resume") from error


def complete(checkpoints: Path) -> list[Path]:
    """Return the folders of the existing checkpoints, the oldest first."""
    # state.json is the first thing that deleting takes away, so a folder without it is one that was being deleted
    folders = [path for path in checkpoints.glob("[0-9]*") if path.name.isdecimal() and (path / STATE).is_file()]
    return sorted(folders, key=lambda path: int(path.name))


def _read_state(folder: Path) -> dict[str, Any]:
    path = folder / STATE
    try:
        state = json.loads(path.read_bytes())
        claimed = state.pop("checksum")
    except FileNotFoundError:
        raise InputError(
            f"{folder}: holds no checkpoint ({STATE} is missing); name a folder like checkpoints/000500"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _damaged(path, "is cut or edited") from None
    if state.get("format", FORMAT) != FORMAT:
        raise InputError(
            f"{path}: format {state['format']} was written by another version of anonimage (this reads {FORMAT})"
        )
    if _checksum(state) != claimed:
        raise _damaged(path, "was edited")
    return state


def _read_tensors(path: Path, sha256: str) -> dict[str, Tensor]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise _damaged(path, "is missing") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _damaged(path, "is cut or edited")
    try:
        return safetensors.torch.load(content)
    except SafetensorError as error:
        raise _damaged(path, f"cannot be read ({error})") from None


def _damaged(path: Path, what: str) -> InputError:
    return InputError(
        f"{path}: {what}; delete the folder {path.parent}: training resumes from the checkpoint before it, "
        "or from the start where there is none"
    )


def _to_bytes(tensors: dict[str, Tensor]) -> bytes:
    return safetensors.torch.save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})


def _checksum(state: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
