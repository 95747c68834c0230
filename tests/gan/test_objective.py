import math

import pytest
import torch
from anonimage.errors import InputError
from anonimage.gan import AuxiliaryClassifier, BinaryCrossEntropy, Judgement


def judged(*logits):
    """A critic that answers what it is told, whatever it sees."""
    answers = iter(logits)
    return lambda images, labels: next(answers)


def test_losses_worked_by_hand():
    # at logit 0 the critic says one half: every cross-entropy is log 2
    zero, image = torch.zeros(3), torch.zeros(3, 1, 2, 2)
    objective = BinaryCrossEntropy(0.9)
    assert objective.critic_loss(judged(zero, zero), image, image, None).loss.item() == pytest.approx(2 * math.log(2))
    assert objective.generator_loss(judged(zero), image, None).item() == pytest.approx(math.log(2))


def test_a_smoothed_label_is_where_the_loss_on_real_images_is_least():
    image = torch.zeros(1, 1, 2, 2)
    certain_fake = torch.tensor([-50.0])
    for label in (0.7, 0.9):
        best = math.log(label / (1 - label))
        logit = torch.tensor([best], requires_grad=True)
        BinaryCrossEntropy(label).critic_loss(judged(logit, certain_fake), image, image, None).loss.backward()
        assert logit.grad.item() == pytest.approx(0, abs=1e-6)


def test_hard_labels_want_ever_larger_answers():
    image = torch.zeros(1, 1, 2, 2)
    logit = torch.tensor([8.0], requires_grad=True)
    BinaryCrossEntropy(1.0).critic_loss(judged(logit, torch.tensor([-50.0])), image, image, None).loss.backward()
    assert logit.grad.item() < 0


def test_smoothing_is_one_sided():
    image = torch.zeros(1, 1, 2, 2)
    logit = torch.tensor([-8.0], requires_grad=True)
    BinaryCrossEntropy(0.9).critic_loss(judged(torch.tensor([0.0]), logit), image, image, None).loss.backward()
    assert logit.grad.item() > 0  # towards 0 probability, not towards 0.1


def test_an_extreme_answer_gives_a_finite_loss():
    image = torch.zeros(1, 1, 2, 2)
    loss = BinaryCrossEntropy().critic_loss(judged(torch.tensor([-1e4]), torch.tensor([1e4])), image, image, None).loss
    assert loss.item() == pytest.approx(0.9e4 + 1e4)


@pytest.mark.parametrize("label", [0.7, 0.9, 1.0])
@pytest.mark.parametrize("kind", [BinaryCrossEntropy, AuxiliaryClassifier])
def test_the_least_loss_is_that_of_a_critic_which_is_sure_of_everything(kind, label):
    image, labels = torch.zeros(2, 1, 2, 2), torch.tensor([0, 1])
    best = math.log(label / (1 - label)) if label < 1 else 50.0
    real, fake = torch.full((2,), best), torch.full((2,), -50.0)
    if kind is AuxiliaryClassifier:
        real, fake = (Judgement(logits, 100 * torch.eye(2)) for logits in (real, fake))
    loss = kind(label).critic_loss(judged(real, fake), image, image, labels).loss
    assert loss.item() == pytest.approx(kind(label).least_critic_loss, abs=1e-6)


def test_equation_4_worked_by_hand():
    image, labels = torch.zeros(2, 1, 2, 2), torch.tensor([0, 2])
    real = Judgement(torch.tensor([0.0, 0.0]), torch.log(torch.tensor([[6.0, 1, 1], [6.0, 1, 1]])))
    fake = Judgement(torch.log(torch.tensor([1.0, 1.0]) / 3), torch.log(torch.tensor([[2.0, 1, 1], [1.0, 1, 2]])))
    result = AuxiliaryClassifier(1.0).critic_loss(judged(real, fake), image, image, labels)
    # P(real) is 1/2 on real images and 1/4 on generated ones; P(class) is 6/8 and 1/8, and 1/2 twice
    source = -(math.log(1 / 2) + math.log(3 / 4))
    classes = -((math.log(6 / 8) + math.log(1 / 8)) / 2 + math.log(1 / 2))
    assert result.loss.item() == pytest.approx(source + classes)
    assert (result.real_accuracy.item(), result.fake_accuracy.item()) == (0.5, 1.0)
    # the generator: minus log P(real) of generated images, and the class that was asked for
    loss = AuxiliaryClassifier(1.0).generator_loss(judged(fake), image, labels)
    assert loss.item() == pytest.approx(-math.log(1 / 4) - math.log(1 / 2))


def test_the_generator_is_pulled_to_real_and_to_its_class():
    source, classes = torch.zeros(1, requires_grad=True), torch.zeros(1, 3, requires_grad=True)
    image = torch.zeros(1, 1, 2, 2)
    AuxiliaryClassifier().generator_loss(judged(Judgement(source, classes)), image, torch.tensor([1])).backward()
    assert source.grad.item() < 0
    assert (classes.grad < 0).tolist() == [[False, True, False]]


@pytest.mark.parametrize("label", [0.5, 1.1, -1.0])
def test_labels_that_would_turn_the_game_around_are_refused(label):
    with pytest.raises(InputError, match="real_label"):
        BinaryCrossEntropy(label)
