"""An encoder of windows: a space where those of one person lie together, learnt from real windows of known people."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ...errors import InputError
from ...files import new_file
from .augmentation import standardized, varied
from .resnet import WIDTHS, ResNet1d

FORMAT = 1
PEOPLE, VIEWS = 16, 4  # a batch: so many people, so many windows of each
TEMPERATURE = 0.1
RATE = 2e-3  # learning rate at its highest
CHUNK = 512  # windows that are embedded at once


class Encoder:
    """Windows to points on a sphere, of which near ones look like one person's.

    Arguments:
        channels: C of the windows that it takes.
        length: L of them.
        fs: Hz of them; None where it does not matter or is not known.
        widths: channels of the network's stages; the last is F.
    """

    def __init__(self, channels: int, length: int, fs: float | None = None, widths: Sequence[int] = WIDTHS) -> None:
        self.channels, self.length, self.fs, self.widths = channels, length, fs, tuple(widths)
        body = ResNet1d(channels, self.widths)
        self.network = nn.Sequential(body, nn.Linear(body.features, body.features))

    def embed(self, values: np.ndarray, fs: float | None = None) -> np.ndarray:
        """Embed windows; each by itself, whatever it is embedded beside.

        Arguments:
            values: (N, C, L) in any unit: each lead of a window is brought to mean 0 and spread 1; NaN is 0 then.
            fs: Hz; given, it has to be the encoder's.

        Returns:
            (N, F) float32 of length 1.

        Raises:
            InputError: windows of other channels, length or sampling frequency.
        """
        values = np.asarray(values)
        if values.ndim != 3 or values.shape[1:] != (self.channels, self.length):
            raise InputError(
                f"encoder: takes windows (N, {self.channels}, {self.length}), not {values.shape}; "
                "give windows like those it was trained on"
            )
        if fs is not None and self.fs is not None and fs != self.fs:
            raise InputError(f"encoder: takes windows at {self.fs:g} Hz, not {fs:g} Hz; resample them")
        self.network.eval()
        parts = [np.empty((0, self.widths[-1]), np.float32)]
        with torch.inference_mode():
            for start in range(0, len(values), CHUNK):
                windows = torch.from_numpy(standardized(values[start : start + CHUNK]))
                parts.append(nn.functional.normalize(self.network(windows)).numpy())
        return np.concatenate(parts)

    def save(self, path: Path) -> None:
        """Write weights and what they are for into one safetensors file."""
        about = {name: getattr(self, name) for name in ("channels", "length", "fs", "widths")}
        metadata = {"encoder": json.dumps({"format": FORMAT} | about)}
        with new_file(path, "wb") as file:
            file.write(safetensors.torch.save(self.network.state_dict(), metadata))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            InputError: missing, cut, or no encoder of this version.
        """
        try:
            with safe_open(path, "pt") as file:
                about = json.loads((file.metadata() or {})["encoder"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            if about.pop("format") != FORMAT:
                raise InputError(f"{path}: an encoder of another version of anonimage; train it anew")
            encoder = cls(**about)
            encoder.network.load_state_dict(tensors)
        except (OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise InputError(f"{path}: missing, cut or no encoder; train it anew") from error
        return encoder


def fit_encoder(
    values: np.ndarray,
    people: np.ndarray,
    seed: int,
    steps: int = 300,
    *,
    fs: float | None = None,
    widths: Sequence[int] = WIDTHS,
    progress: Callable[[int], None] | None = None,
) -> Encoder:
    """Train an encoder so that windows of one person lie nearer to each other than to those of others.

    Arguments:
        values: (N, C, L) real windows, NaN where a sample is missing.
        people: (N,) whose each is; at least two people. One window of a person is enough: it is varied.
        seed: of weights, batches and variations; the same gives the same encoder.
        steps: batches of up to 16 people × 4 windows.
        fs: Hz of the windows, kept for checks.
        widths: of the network.
        progress: called with the number of each step.

    Raises:
        InputError: fewer than two people, or not one name a window.

    Source: supervised contrastive loss, Khosla et al. 2020, equation 2.
    """
    values, people = np.asarray(values), np.asarray(people)
    if values.ndim != 3 or len(people) != len(values):
        raise InputError(f"encoder: {len(people)} people for windows {values.shape}; give (N, C, L) and N people")
    names, codes = np.unique(people, return_inverse=True)
    if len(names) < 2:
        raise InputError(f"encoder: windows of {len(names)} people; telling people apart needs at least 2")
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    windows = np.concatenate([standardized(values[at : at + CHUNK]) for at in range(0, len(values), CHUNK)])
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = Encoder(values.shape[1], values.shape[2], fs, widths)
        optimizer = torch.optim.AdamW(encoder.network.parameters(), lr=RATE, weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
        encoder.network.train()
        for step in range(steps):
            drawn = rng.permutation(len(names))[:PEOPLE]
            rows = np.concatenate([_some(members[who], rng) for who in drawn])
            points = encoder.network(torch.from_numpy(varied(windows[rows], rng)))
            loss = contrastive(nn.functional.normalize(points), torch.from_numpy(codes[rows]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if progress is not None:
                progress(step)
    return encoder


def contrastive(points: Tensor, people: Tensor) -> Tensor:
    """How badly points of length 1 (B, F) lie by their person (B,): mean cross-entropy of finding one's own.

    Source: Khosla et al. 2020, equation 2 (the sum outside of the logarithm).
    """
    itself = torch.eye(len(points), dtype=torch.bool)
    near = (points @ points.T / TEMPERATURE).masked_fill(itself, float("-inf"))  # B, B
    chances = near.log_softmax(dim=1).masked_fill(itself, 0)
    own = (people[:, None] == people[None, :]) & ~itself
    return -((chances * own).sum(1) / own.sum(1).clamp(min=1)).mean()


def _rate(step: int, steps: int) -> float:
    """Share of the highest learning rate: up in the first fifth, then down along a cosine."""
    return min(1.0, (step + 1) / (1 + steps / 5)) * (1 + math.cos(math.pi * step / max(1, steps))) / 2


def _some(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """VIEWS windows of one person, twice the same only where there are fewer."""
    return rng.choice(rows, VIEWS, replace=len(rows) < VIEWS)
