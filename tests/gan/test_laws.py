"""Laws of every network family under every objective."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from anonimage.errors import InputError
from anonimage.gan.networks import FAMILIES
from anonimage.gan.networks.modules import Judgement, Networks
from anonimage.gan.objectives import OBJECTIVES
from anonimage.gan.objectives.objective import Step
from anonimage.gan.training.callbacks import Checkpoints
from anonimage.gan.training.checkpoint import latest, load
from torch import nn

EVERY = [
    (family, name, head)
    for (family, networks), (name, objective) in itertools.product(FAMILIES.items(), OBJECTIVES.items())
    for head in sorted(networks.heads & objective.heads)
]
REFUSED = [
    (family, name, head)
    for (family, networks), (name, objective) in itertools.product(FAMILIES.items(), OBJECTIVES.items())
    for head in sorted(networks.heads - objective.heads)
]


@pytest.fixture
def made(small):
    def make(family, name, head, callbacks=(), **settings):
        classes = 0 if head == "none" else 3
        architecture = small.architecture(family, widths=(8, 12), classes=classes, head=head)
        return small.trainer(callbacks, architecture=architecture, objective=name, **settings)

    return make


@pytest.mark.parametrize(("family", "name", "head"), EVERY)
def test_shapes_and_names(made, small, family, name, head):
    trainer = made(family, name, head)
    batch = (small.batches if head == "none" else small.labelled)(0)
    losses = trainer.train_step([batch] * trainer.objective.critic_steps)
    assert list(losses) == [*trainer.networks.critics, "generator", *trainer.objective.figures]
    assert all(loss.shape == () and loss.isfinite() for loss in losses.values())
    labels = None if head == "none" else torch.from_numpy(batch.labels)
    images = trainer.networks.generator(torch.randn(len(batch.images), small.LATENT_DIM), labels)
    assert images.shape == batch.images.shape
    for critic in trainer.networks.critics.values():
        judgement = critic(images, labels)
        assert isinstance(judgement, Judgement)
        assert judgement.source.shape == (len(images),)
        assert (judgement.classes is None) == (head != "auxiliary")


@pytest.mark.parametrize(("family", "name", "head"), EVERY)
def test_a_gradient_reaches_every_weight_and_the_step_moves_it(made, small, family, name, head):
    """Of the critics in their part, of the generator in its own; also the second derivatives of a penalty."""
    trainer = made(family, name, head)
    with torch.no_grad():  # a point at which no loss is flat: real images beyond the margin of a hinge, and no others
        trainer.networks.critics["critic"].source.bias.fill_(1.5)
    before = {key: tensor.clone() for key, tensor in trainer.snapshot().weights.items()}
    trainer.train(2)
    after = trainer.snapshot().weights
    parameters = {f"generator.{key}" for key, _ in trainer.networks.generator.named_parameters()} | {
        f"critic.critic.{key}" for key, _ in trainer.networks.critics["critic"].named_parameters()
    }
    # the distance of two mean scores does not depend on the critic's last bias
    parameters -= {"critic.critic.source.bias"} if name == "wasserstein" else set()
    assert [key for key in sorted(parameters) if torch.equal(before[key], after[key])] == []


@pytest.mark.parametrize("precision", ["32", "bf16"])
@pytest.mark.parametrize(("family", "name", "head"), EVERY)
def test_a_resumed_run_repeats_the_uninterrupted_one(tmp_path, made, small, family, name, head, precision):
    whole = made(family, name, head, precision=precision)
    whole.train(7)
    first = made(family, name, head, [Checkpoints(tmp_path, every=3)], precision=precision)
    first.train(3)
    resumed = made(family, name, head, [Checkpoints(tmp_path, every=3)], precision=precision)
    resumed.resume(lambda: load(latest(tmp_path)))
    resumed.train(7)
    assert small.weights(resumed) == small.weights(whole)


@pytest.mark.parametrize(("family", "name", "head"), EVERY)
def test_the_critic_updates_once_for_each_batch(made, small, family, name, head):
    asked = []

    def source(number):
        asked.append(number)
        return (small.batches if head == "none" else small.labelled)(number)

    trainer = made(family, name, head, source=source)
    trainer.train(3)
    steps = trainer.objective.critic_steps
    assert asked == list(range(3 * steps))
    optimizer = trainer.snapshot().optimizer
    assert optimizer["generator.0.step"] == 3
    assert optimizer["critic.critic.0.step"] == 3 * steps


@pytest.mark.parametrize(("name", "head"), sorted({(name, head) for _, name, head in EVERY}))
def test_the_floor_is_a_floor(name, head):
    """Over random and over extreme judgements; a bound that is reached: no larger number would be one."""
    objective = OBJECTIVES[name]()
    if objective.floor is None:
        return
    random = np.random.default_rng(0)
    labels = torch.from_numpy(random.integers(0, 3, 5)) if head != "none" else None
    lowest = np.inf
    for centres in itertools.product((-1e4, -50.0, -3.0, 0.0, 1.0, 3.0, 50.0, 1e4), repeat=2):
        real, fake = (torch.from_numpy(random.normal(centre, 0.1, 5)) for centre in centres)
        classes = None if head != "auxiliary" else 100 * torch.nn.functional.one_hot(labels, 3).float()
        answers = iter([Judgement(real, classes), Judgement(fake, classes)])
        image = torch.zeros(5, 1, 2, 2)
        networks = Networks(None, {"critic": lambda images, labels, answers=answers: next(answers)})
        loss = objective.critic_losses(Step(networks, image, image, labels, torch.Generator()))["critic"].item()
        assert loss >= objective.floor - 1e-6
        lowest = min(lowest, loss)
    assert lowest < objective.floor + 0.1


@pytest.mark.parametrize(("family", "name", "head"), REFUSED)
def test_heads_that_do_not_go_with_an_objective_are_refused(made, family, name, head):
    with pytest.raises(InputError, match=f"objective '{name}' does not go with head '{head}'; use head ") as caught:
        made(family, name, head)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("other", sorted(OBJECTIVES))
@pytest.mark.parametrize("name", sorted(OBJECTIVES))
def test_a_checkpoint_of_another_objective_is_refused(made, name, other):
    heads = [sorted(OBJECTIVES[each].heads)[0] for each in (name, other)]
    trainer = made("connected", name, heads[0])
    snapshot = replace(trainer.snapshot(), architecture=made("connected", other, heads[1]).architecture)
    if name == other:
        trainer.resume(lambda: snapshot)
        return
    with pytest.raises(InputError, match=r"was trained with (objective|settings) "):
        made("connected", other, heads[1]).resume(lambda: snapshot)


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("cross_entropy", "real_label", 0.6),
        ("acgan", "real_label", 0.6),
        ("wasserstein", "gradient_penalty", 1.0),
        ("wasserstein", "critic_steps", 2),
    ],
)
def test_an_option_that_differs_on_resume_is_refused(made, name, option, value):
    head = "auxiliary" if name == "acgan" else "none"
    snapshot = made("connected", name, head).snapshot()
    other = made("connected", OBJECTIVES[name](**{option: value}), head)
    with pytest.raises(InputError, match=f"trained with objective {option} = .*, this run has {value}; resume with"):
        other.resume(lambda: snapshot)


def test_an_objective_that_needs_single_images_refuses_statistics_over_the_batch(small):
    with pytest.raises(InputError, match="moments are statistics over the batch"):
        small.trainer(architecture=small.MOMENTS, objective="wasserstein")
    trainer = small.trainer(objective="wasserstein")
    assert not [each for each in trainer.networks.critics["critic"].modules() if isinstance(each, nn.BatchNorm2d)]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_critic_per_sample_judges_an_image_alone_as_in_a_batch(small, family):
    critic = small.architecture(family, widths=(8, 12)).per_sample().build().critics["critic"].train()
    images = torch.rand(6, *small.SHAPE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    together = critic(images).source
    alone = torch.cat([critic(image[None]).source for image in images])
    assert torch.allclose(alone, together, atol=1e-5)
    assert together.std() > 1e-3
