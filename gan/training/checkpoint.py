"""Checkpoints: a folder each, written in one step, checked by checksum when read. safetensors and JSON, no pickle.

checkpoints/000500/weights.safetensors      generator, discriminator, ema
checkpoints/000500/optimizer.safetensors    what the two optimizers remember
checkpoints/000500/state.json               step, detour, networks, settings, versions, checksums
"""

import hashlib
import json
import platform
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from ...errors import InputError
from ...files import new_folder
from ..networks.architecture import Architecture
from .snapshot import Snapshot

FORMAT = 2
WEIGHTS, OPTIMIZER, STATE = "weights.safetensors", "optimizer.safetensors", "state.json"


def save(snapshot: Snapshot, checkpoints: Path, keep: int = 3) -> Path:
    """Write a snapshot into the folder of checkpoints and delete all but the newest ones.

    Arguments:
        snapshot: what to write.
        checkpoints: the folder of checkpoints; made if it is not there.
        keep: how many checkpoints remain.

    Returns:
        The new checkpoint's folder.

    Raises:
        InputError: when it cannot be written, for lack of space for example; nothing half-written stays.
    """
    folder = checkpoints / f"{snapshot.step:06d}"
    contents = {WEIGHTS: _to_bytes(snapshot.weights), OPTIMIZER: _to_bytes(snapshot.optimizer)}
    state = {
        "format": FORMAT,
        "step": snapshot.step,
        "detour": snapshot.detour,
        "networks": snapshot.networks.to_state(),
        "settings": snapshot.settings,
        "versions": _versions(),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
    }
    state["checksum"] = _checksum(state)
    contents[STATE] = (json.dumps(state, indent=2) + "\n").encode()
    with writing(folder), new_folder(folder) as partial:
        for name, content in contents.items():
            (partial / name).write_bytes(content)
    with writing(checkpoints):
        for old in complete(checkpoints)[:-keep]:
            _delete(old)
    return folder


def discard(checkpoints: Path, unwanted: Callable[[int], bool]) -> None:
    """Delete some checkpoints, the newest first: a kill in between leaves the older ones as they were.

    Arguments:
        checkpoints: the folder of checkpoints.
        unwanted: which, by their step.
    """
    with writing(checkpoints):
        for folder in reversed(complete(checkpoints)):
            if unwanted(int(folder.name)):
                _delete(folder)


def latest(checkpoints: Path) -> Path | None:
    """Return the newest checkpoint's folder, None when there is no checkpoint yet."""
    found = complete(checkpoints)
    return found[-1] if found else None


def load(folder: Path) -> Snapshot:
    """Read a checkpoint.

    Arguments:
        folder: the checkpoint's own folder, such as `latest` returns.

    Raises:
        InputError: when a file is missing, cut, edited or of another version of the program.
    """
    state = _read_state(folder)
    return Snapshot(
        state["step"],
        _architecture(folder, state["networks"]),
        state["settings"],
        _read_tensors(folder, WEIGHTS, state),
        _read_tensors(folder, OPTIMIZER, state),
        state["detour"],
    )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failure to write (disk full, no permission) into one line."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path}: cannot be written ({reason}); make room or rights there, then resume") from error


def complete(checkpoints: Path) -> list[Path]:
    """Return the folders of the checkpoints there are, the oldest first."""
    # state.json is the first thing that deleting takes away, so a folder without it is one that was being deleted
    folders = [path for path in checkpoints.glob("[0-9]*") if path.name.isdecimal() and (path / STATE).is_file()]
    return sorted(folders, key=lambda path: int(path.name))


def _delete(folder: Path) -> None:
    (folder / STATE).unlink()
    shutil.rmtree(folder)


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


def _architecture(folder: Path, state: dict[str, Any]) -> Architecture:
    try:
        return Architecture.from_state(state)
    except InputError as error:
        raise InputError(f"{folder / STATE}: {error}; it is of another version of anonimage, train anew") from error


def _read_tensors(folder: Path, name: str, state: dict[str, Any]) -> dict[str, Tensor]:
    path = folder / name
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise _damaged(path, "is missing") from None
    if hashlib.sha256(content).hexdigest() != state["sha256"][name]:
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


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "lightning_fabric": version("lightning-fabric"),
        "safetensors": version("safetensors"),
        "threads": str(torch.get_num_threads()),
    }
