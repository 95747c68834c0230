"""Losses worked by hand, on critics that answer what they are given."""

import math

import pytest
import torch
from anonimage.errors import InputError
from anonimage.gan.networks.modules import Judgement, Networks
from anonimage.gan.objectives.acgan import AuxiliaryClassifier
from anonimage.gan.objectives.cross_entropy import CrossEntropy
from anonimage.gan.objectives.hinge import Hinge
from anonimage.gan.objectives.least_squares import LeastSquares
from anonimage.gan.objectives.objective import Step
from anonimage.gan.objectives.wasserstein import Wasserstein


def step_of(*answers, labels=None):
    """A step whose critic gives these answers in turn, whatever the images."""
    left = iter(answers)

    def critic(images, labels):
        answer = next(left)
        return answer if isinstance(answer, Judgement) else Judgement(answer, None)

    image = torch.zeros(len(answers[0]) if torch.is_tensor(answers[0]) else 2, 1, 2, 2)
    return Step(Networks(None, {"critic": critic}), image, image, labels, torch.Generator())


def critic_loss(objective, *answers, labels=None):
    return objective.critic_losses(step_of(*answers, labels=labels))["critic"]


def generator_loss(objective, *answers, labels=None):
    return objective.generator_loss(step_of(*answers, labels=labels))


def test_losses_worked_by_hand():
    # at logit 0 the critic says one half: every cross-entropy is log 2
    zero = torch.zeros(3)
    objective = CrossEntropy(0.9)
    assert critic_loss(objective, zero, zero).item() == pytest.approx(2 * math.log(2))
    assert generator_loss(objective, zero).item() == pytest.approx(math.log(2))


def test_a_smoothed_label_is_where_the_loss_on_real_images_is_least():
    certain_fake = torch.tensor([-50.0])
    for label in (0.7, 0.9):
        best = math.log(label / (1 - label))
        logit = torch.tensor([best], requires_grad=True)
        critic_loss(CrossEntropy(label), logit, certain_fake).backward()
        assert logit.grad.item() == pytest.approx(0, abs=1e-6)


def test_hard_labels_want_ever_larger_answers():
    logit = torch.tensor([8.0], requires_grad=True)
    critic_loss(CrossEntropy(1.0), logit, torch.tensor([-50.0])).backward()
    assert logit.grad.item() < 0


def test_smoothing_is_one_sided():
    logit = torch.tensor([-8.0], requires_grad=True)
    critic_loss(CrossEntropy(0.9), torch.tensor([0.0]), logit).backward()
    assert logit.grad.item() > 0  # towards 0 probability, not towards 0.1


def test_an_extreme_answer_gives_a_finite_loss():
    loss = critic_loss(CrossEntropy(), torch.tensor([-1e4]), torch.tensor([1e4]))
    assert loss.item() == pytest.approx(0.9e4 + 1e4)


@pytest.mark.parametrize("label", [0.7, 0.9, 1.0])
@pytest.mark.parametrize("kind", [CrossEntropy, AuxiliaryClassifier])
def test_the_least_loss_is_that_of_a_critic_which_is_sure_of_everything(kind, label):
    labels = torch.tensor([0, 1])
    best = math.log(label / (1 - label)) if label < 1 else 50.0
    real, fake = torch.full((2,), best), torch.full((2,), -50.0)
    if kind is AuxiliaryClassifier:
        real, fake = (Judgement(logits, 100 * torch.eye(2)) for logits in (real, fake))
    loss = critic_loss(kind(label), real, fake, labels=labels)
    assert loss.item() == pytest.approx(kind(label).floor, abs=1e-6)


def test_equation_4_worked_by_hand():
    labels = torch.tensor([0, 2])
    real = Judgement(torch.tensor([0.0, 0.0]), torch.log(torch.tensor([[6.0, 1, 1], [6.0, 1, 1]])))
    fake = Judgement(torch.log(torch.tensor([1.0, 1.0]) / 3), torch.log(torch.tensor([[2.0, 1, 1], [1.0, 1, 2]])))
    step = step_of(real, fake, labels=labels)
    loss = AuxiliaryClassifier(1.0).critic_losses(step)["critic"]
    # P(real) is 1/2 on real images and 1/4 on generated ones; P(class) is 6/8 and 1/8, and 1/2 twice
    source = -(math.log(1 / 2) + math.log(3 / 4))
    classes = -((math.log(6 / 8) + math.log(1 / 8)) / 2 + math.log(1 / 2))
    assert loss.item() == pytest.approx(source + classes)
    assert (step.figures["real_accuracy"].item(), step.figures["fake_accuracy"].item()) == (0.5, 1.0)
    # the generator: minus log P(real) of generated images, and the class that was asked for
    loss = generator_loss(AuxiliaryClassifier(1.0), fake, labels=labels)
    assert loss.item() == pytest.approx(-math.log(1 / 4) - math.log(1 / 2))


def test_the_generator_is_pulled_to_real_and_to_its_class():
    source, classes = torch.zeros(1, requires_grad=True), torch.zeros(1, 3, requires_grad=True)
    generator_loss(AuxiliaryClassifier(), Judgement(source, classes), labels=torch.tensor([1])).backward()
    assert source.grad.item() < 0
    assert (classes.grad < 0).tolist() == [[False, True, False]]


@pytest.mark.parametrize("label", [0.5, 1.1, -1.0])
def test_labels_that_would_turn_the_game_around_are_refused(label):
    with pytest.raises(InputError, match="real_label"):
        CrossEntropy(label)


def test_hinge_worked_by_hand():
    real, fake = torch.tensor([0.5, 3.0]), torch.tensor([-2.0, 0.25])
    assert critic_loss(Hinge(), real, fake).item() == pytest.approx((0.5 + 0) / 2 + (0 + 1.25) / 2)
    assert generator_loss(Hinge(), fake).item() == pytest.approx(1.75 / 2)


def test_least_squares_worked_by_hand():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, -1.0])
    assert critic_loss(LeastSquares(), real, fake).item() == pytest.approx(0.5 * (0 + 4) / 2 + 0.5 * (0 + 1) / 2)
    assert generator_loss(LeastSquares(), fake).item() == pytest.approx(0.5 * (1 + 4) / 2)


class Slope(torch.nn.Module):
    """A critic whose score is a multiple of the sum of pixels: its gradient has the norm slope · √pixels."""

    def __init__(self, slope):
        super().__init__()
        self.slope = torch.nn.Parameter(torch.tensor(slope))

    def forward(self, images, labels):
        return Judgement(self.slope * images.sum((1, 2, 3)), None)


def test_wasserstein_worked_by_hand():
    """Four pixels and slope 3: a gradient of norm 6, so a penalty of (6 − 1)²; its slope in the slope is 2·5·2."""
    real, fake = torch.full((2, 1, 2, 2), 0.5), torch.full((2, 1, 2, 2), -0.5)
    critic = Slope(3.0)
    step = Step(Networks(None, {"critic": critic}), real, fake, None, torch.Generator())
    loss = Wasserstein(gradient_penalty=10.0).critic_losses(step)["critic"]
    assert loss.item() == pytest.approx(3 * -2 - 3 * 2 + 10 * 25)
    loss.backward()
    assert critic.slope.grad.item() == pytest.approx(-2 - 2 + 10 * 2 * 5 * 2)
    assert Wasserstein().generator_loss(step).item() == pytest.approx(6)


def test_the_penalty_is_measured_between_real_and_generated_images():
    """At the uniform draw of the step: with a square critic the gradient is 2·x̂."""
    seen = []

    class Square(torch.nn.Module):
        def forward(self, images, labels):
            seen.append(images.detach())
            return Judgement(images.square().sum((1, 2, 3)), None)

    real, fake = torch.ones(6, 1, 1, 2), torch.zeros(6, 1, 1, 2)
    random = torch.Generator().manual_seed(4)
    share = torch.rand(6, generator=torch.Generator().manual_seed(4))
    step = Step(Networks(None, {"critic": Square()}), real, fake, None, random)
    loss = Wasserstein(gradient_penalty=1.0).critic_losses(step)["critic"]
    assert torch.allclose(seen[-1], share[:, None, None, None].expand(6, 1, 1, 2))
    assert loss.item() == pytest.approx(-2 + (2 * math.sqrt(2) * share - 1).square().mean().item(), rel=1e-5)


def test_processes_share_one_draw_for_the_whole_batch():
    image = torch.zeros(2, 1, 2, 2)
    drawn = [
        Step(None, image, image, None, torch.Generator().manual_seed(1), rank, 3).uniform().tolist()
        for rank in range(3)
    ]
    whole = Step(None, torch.zeros(6, 1, 2, 2), image, None, torch.Generator().manual_seed(1)).uniform().tolist()
    assert [drawn[number % 3][number // 3] for number in range(6)] == whole


@pytest.mark.parametrize("options", [{"gradient_penalty": 0.0}, {"critic_steps": 0}])
def test_options_of_wasserstein_that_cannot_be_are_refused(options):
    with pytest.raises(InputError, match=r"gradient_penalty .* critic_steps"):
        Wasserstein(**options)
