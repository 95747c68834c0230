"""Steps 3 and 4: networks, objective, training, checkpoints, sampling. torch only; knows images, not what they show."""

from .batch import Batch
from .callbacks import Callback, Checkpoints, Metrics, Progress, Reading
from .checkpoint import latest, load, save
from .company import Company, DismissedError
from .engine import own_environment
from .evolution import Evolution
from .finite import Losses, TrainingError
from .judging import classify, realness
from .monitor import ACTIONS, Event, Monitor
from .networks import Architecture, Discriminator, Generator, Judgement, new_discriminator, new_generator
from .objective import AuxiliaryClassifier, BinaryCrossEntropy, CriticLoss, Objective
from .resident import resident
from .sampling import iter_images, sample_images
from .signs import Check
from .snapshot import Snapshot
from .stopping import Scored, Stopping
from .trainer import Trainer, TrainerSettings

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
