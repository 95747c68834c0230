"""Steps 3 and 4: networks, objective, training, checkpoints, sampling. torch only; knows images, not what they show."""

from .batch import Batch
from .judging import classify, realness
from .networks.architecture import Architecture, Discriminator, Generator, Judgement, new_discriminator, new_generator
from .objectives.objective import AuxiliaryClassifier, BinaryCrossEntropy, CriticLoss, Objective
from .sampling import iter_images, sample_images
from .training.callbacks import Callback, Checkpoints, Metrics, Progress, Reading
from .training.checkpoint import latest, load, save
from .training.evolution import Evolution
from .training.finite import Losses, TrainingError
from .training.monitor import ACTIONS, Event, Monitor
from .training.processes import Company, DismissedError
from .training.resident import resident
from .training.runtime import own_environment
from .training.signs import Check
from .training.snapshot import Snapshot
from .training.stopping import Scored, Stopping
from .training.trainer import Trainer, TrainerSettings

__all__ = [
    "ACTIONS",
    "Architecture",
    "AuxiliaryClassifier",
    "Batch",
    "BinaryCrossEntropy",
    "Callback",
    "Check",
    "Checkpoints",
    "Company",
    "CriticLoss",
    "Discriminator",
    "DismissedError",
    "Event",
    "Evolution",
    "Generator",
    "Judgement",
    "Losses",
    "Metrics",
    "Monitor",
    "Objective",
    "Progress",
    "Reading",
    "Scored",
    "Snapshot",
    "Stopping",
    "Trainer",
    "TrainerSettings",
    "TrainingError",
    "classify",
    "iter_images",
    "latest",
    "load",
    "new_discriminator",
    "new_generator",
    "own_environment",
    "realness",
    "resident",
    "sample_images",
    "save",
]
