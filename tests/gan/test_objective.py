import math

import pytest
import torch
from anonimage.errors import InputError
from anonimage.gan import BinaryCrossEntropy


def judged(*logits):
    """A critic that answers what it is told, whatever it sees."""
    answers = iter(logits)
    return lambda images: next(answers)


def test_losses_worked_by_hand():
    # at logit 0 the critic says one half: every cross-entropy is log 2
    zero, image = torch.zeros(3), torch.zeros(3, 1, 2, 2)
    objective = BinaryCrossEntropy(0.9)
    assert objective.critic_loss(judged(zero, zero), image, image).item() == pytest.approx(2 * math.log(2))
    assert objective.generator_loss(judged(zero), image).item() == pytest.approx(math.log(2))


def test_a_smoothed_label_is_where_the_loss_on_real_images_is_least():
    image = torch.zeros(1, 1, 2, 2)
    certain_fake = torch.tensor([-50.0])
    for label in (0.7, 0.9):
        best = math.log(label / (1 - label))
        logit = torch.tensor([best], requires_grad=True)
        BinaryCrossEntropy(label).critic_loss(judged(logit, certain_fake), image, image).backward()
        assert logit.grad.item() == pytest.approx(0, abs=1e-6)


def test_hard_labels_want_ever_larger_answers():
    image = torch.zeros(1, 1, 2, 2)
    logit = torch.tensor([8.0], requires_grad=True)
    BinaryCrossEntropy(1.0).critic_loss(judged(logit, torch.tensor([-50.0])), image, image).backward()
    assert logit.grad.item() < 0


def test_smoothing_is_one_sided():
    image = torch.zeros(1, 1, 2, 2)
    logit = torch.tensor([-8.0], requires_grad=True)
    BinaryCrossEntropy(0.9).critic_loss(judged(torch.tensor([0.0]), logit), image, image).backward()
    assert logit.grad.item() > 0  # towards 0 probability, not towards 0.1


def test_an_extreme_answer_gives_a_finite_loss():
    image = torch.zeros(1, 1, 2, 2)
    loss = BinaryCrossEntropy().critic_loss(judged(torch.tensor([-1e4]), torch.tensor([1e4])), image, image)
    assert loss.item() == pytest.approx(0.9e4 + 1e4)


@pytest.mark.parametrize("label", [0.5, 1.1, -1.0])
def test_labels_that_would_turn_the_game_around_are_refused(label):
    with pytest.raises(InputError, match="real_label"):
        BinaryCrossEntropy(label)
