"""The one-dimensional residual network that the judges of signals are built on: encoder and classifier."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

WIDTHS = (32, 64, 96, 128)


class ResNet1d(nn.Module):
    """Windows to features; length and number of channels are free.

    Arguments:
        channels: of the windows.
        widths: channels of the stages, each half as long as the one before; the last is the number of features.

    Source: He et al. 2016; one-dimensional, as ME-GAN uses it for ECGs (sections 5.4 and 5.5).
    """

    def __init__(self, channels: int, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.features = widths[-1]
        self.stem = nn.Sequential(
            nn.Conv1d(channels, widths[0], 15, stride=2, padding=7, bias=False), nn.BatchNorm1d(widths[0]), nn.ReLU()
        )
        inputs = (widths[0], *widths)
        self.stages = nn.Sequential(*(_Block(n, m) for n, m in zip(inputs, widths, strict=False)))

    def forward(self, windows: Tensor) -> Tensor:
        """Features (B, F) of windows (B, C, L)."""
        return self.stages(self.stem(windows)).mean(dim=2)


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.way = nn.Sequential(
            nn.Conv1d(inputs, outputs, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm1d(outputs),
            nn.ReLU(),
            nn.Conv1d(outputs, outputs, 7, padding=3, bias=False),
            nn.BatchNorm1d(outputs),
        )
        self.past = nn.Sequential(nn.Conv1d(inputs, outputs, 1, stride=2, bias=False), nn.BatchNorm1d(outputs))

    def forward(self, windows: Tensor) -> Tensor:
        return torch.relu(self.way(windows) + self.past(windows))
