"""Steps 3 and 4: networks, objective, training, checkpoints, sampling. torch only; knows images, not what they show."""

from .callbacks import Callback, Checkpoints, Metrics, Progress, Reading
from .checkpoint import latest, load
from .finite import Losses, TrainingError
from .networks import Discriminator, Generator
from .objective import BinaryCrossEntropy, Objective
from .sampling import iter_images, sample_images
from .snapshot import Snapshot
from .trainer import Trainer, TrainerSettings

__all__ = [
    "BinaryCrossEntropy",
    "Callback",
    "Checkpoints",
    "Discriminator",
    "Generator",
    "Losses",
    "Metrics",
    "Objective",
    "Progress",
    "Reading",
    "Snapshot",
    "Trainer",
    "TrainerSettings",
    "TrainingError",
    "iter_images",
    "latest",
    "load",
    "sample_images",
]
