"""Adversarial losses by name. A new one is a file with a subclass of `Objective`, and its class in this table."""

from .acgan import AuxiliaryClassifier
from .cross_entropy import CrossEntropy
from .hinge import Hinge
from .least_squares import LeastSquares
from .objective import Objective
from .wasserstein import Wasserstein

OBJECTIVES: dict[str, type[Objective]] = {
    kind.name: kind for kind in (CrossEntropy, AuxiliaryClassifier, Hinge, LeastSquares, Wasserstein)
}
