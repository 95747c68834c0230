"""ACGAN: the critic also classifies, real and generated images.

The critic maximizes L_S + L_C; the generator maximizes L_C − L_S, the source term in its non-saturating form.
Source: Piacentino et al., eq. 4; Odena et al. 2016.

>>> sorted(AuxiliaryClassifier.heads)
['auxiliary']
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ..networks.modules import Judgement
from .cross_entropy import CrossEntropy, cross_entropy_with
from .objective import Step


@dataclass(frozen=True)
class AuxiliaryClassifier(CrossEntropy):
    """Cross-entropy of the source as in CrossEntropy, and of the classes, whose terms can reach 0.

    Arguments:
        real_label: as in CrossEntropy.
    """

    name: ClassVar[str] = "acgan"
    heads: ClassVar[frozenset[str]] = frozenset({"auxiliary"})
    figures: ClassVar[tuple[str, ...]] = ("real_accuracy", "fake_accuracy")

    def critic_losses(self, step: Step) -> dict[str, Tensor]:
        """Return −L_S − L_C, and report how many real and generated images were put in their class."""
        real, fake = step.judge("critic", step.real), step.judge("critic", step.fake)
        loss = cross_entropy_with(real.source, self.real_label) + cross_entropy_with(fake.source, 0.0)
        loss = loss + _class_loss(real, step.labels) + _class_loss(fake, step.labels)
        step.figures["real_accuracy"] = _accuracy(real, step.labels)
        step.figures["fake_accuracy"] = _accuracy(fake, step.labels)
        return {"critic": loss}

    def generator_loss(self, step: Step) -> Tensor:
        """Return the non-saturating source loss and the loss of the classes that were asked for."""
        fake = step.judge("critic", step.fake)
        return cross_entropy_with(fake.source, 1.0) + _class_loss(fake, step.labels)


def _class_loss(judgement: Judgement, labels: Tensor | None) -> Tensor:
    assert judgement.classes is not None
    assert labels is not None
    return cross_entropy(judgement.classes.float(), labels)


def _accuracy(judgement: Judgement, labels: Tensor | None) -> Tensor:
    assert judgement.classes is not None
    assert labels is not None
    return torch.eq(judgement.classes.argmax(1), labels).float().mean()
