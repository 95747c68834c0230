"""Steps 3 and 4: networks, objectives, training, checkpoints, sampling. torch only; knows images, not their content."""

from .batch import Batch, Images, resident
from .networks.family import FAMILIES, Architecture
from .networks.modules import Generator
from .objectives import OBJECTIVES
from .objectives.objective import Objective
from .sampling import CHUNK, classify, iter_images, realness, sample_images
from .training.callbacks import Checkpoints, Evolution, Metrics, Progress, Reading, Scored, Stopping
from .training.checkpoint import Snapshot, latest, load, part, save
from .training.monitor import Event, Monitor
from .training.processes import PeerFailedError
from .training.runtime import make_fabric, own_environment
from .training.signs import Check
from .training.trainer import Callback, Trainer, TrainerSettings, TrainingError

__all__ = [
    "CHUNK",
    "FAMILIES",
    "OBJECTIVES",
    "Architecture",
    "Batch",
    "Callback",
    "Check",
    "Checkpoints",
    "Event",
    "Evolution",
    "Generator",
    "Images",
    "Metrics",
    "Monitor",
    "Objective",
    "PeerFailedError",
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
    "make_fabric",
    "own_environment",
    "part",
    "realness",
    "resident",
    "sample_images",
    "save",
]
