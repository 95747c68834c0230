"""ACGAN: the critic also classifies, real and generated images.

The critic maximizes L_S + L_C; the generator maximizes L_C − L_S, the source term in its non-saturating form.
Source: Piacentino et al., eq. 4; Odena et al. 2016.

>>> sorted(AuxiliaryClassifier.heads)
['auxiliary']
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from .cross_entropy import CrossEntropy, cross_entropy_with
from .objective import Step


@dataclass(frozen=True)
class AuxiliaryClassifier(CrossEntropy):
    """Cross-entropy of the source as in CrossEntropy, and of the classes, whose terms can reach 0."""

    name = "acgan"
    heads = frozenset({"auxiliary"})
    figures = ("real_accuracy", "fake_accuracy")

    def critic_losses(self, step: Step) -> dict[str, Tensor]:
        """Return −L_S − L_C, and report how many real and generated images were put in their class."""
        real, real_classes, labels = _judged(step, step.real)
        fake, fake_classes, _ = _judged(step, step.fake)
        loss = cross_entropy_with(real, self.real_label) + cross_entropy_with(fake, 0.0)
        for name, classes in zip(self.figures, (real_classes, fake_classes), strict=True):
            loss = loss + cross_entropy(classes, labels)
            step.figures[name] = torch.eq(classes.argmax(1), labels).float().mean()
        return {"critic": loss}

    def generator_loss(self, step: Step) -> Tensor:
        """Return the non-saturating source loss and the loss of the classes that were asked for."""
        source, classes, labels = _judged(step, step.fake)
        return cross_entropy_with(source, 1.0) + cross_entropy(classes, labels)


def _judged(step: Step, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    source, classes = step.judge("critic", images)
    assert classes is not None, "ACGAN needs a class head"
    assert step.labels is not None
    return source.float(), classes.float(), step.labels
