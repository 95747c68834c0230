"""Network families by name, and the description from which networks are built.

A new family is one file with a subclass of `Family`, and one line in `FAMILIES`.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ...errors import InputError
from .connected import Connected
from .dcgan import Dcgan
from .modules import HEADS, Family, Networks, require_known

FAMILIES: dict[str, Family] = {
    "convolutional": Dcgan(),
    "connected": Connected(),
}


@dataclass(frozen=True)
class Architecture:
    """Description of networks, complete but for their weights.

    Raises:
        InputError: networks that cannot be.

    >>> networks = Architecture("convolutional", (1, 45, 45)).build(seed=0)
    >>> sum(weight.numel() for weight in networks.generator.parameters())
    1067457
    """

    family: str  # one of FAMILIES
    image_shape: tuple[int, int, int]  # (c, H, W)
    latent_dim: int = 100  # length of the latent vector
    classes: int = 0  # number of classes that the generator makes on demand; 0 = unconditional
    head: str = "none"  # how the critic uses the classes; "none" without classes
    settings: Any = None  # of the family's own type; its defaults if absent

    def __post_init__(self) -> None:
        require_known("family", self.family, FAMILIES)
        require_known("head", self.head, HEADS)
        object.__setattr__(self, "image_shape", tuple(int(size) for size in self.image_shape))
        if self.settings is None:
            object.__setattr__(self, "settings", FAMILIES[self.family].Settings())
        if len(self.image_shape) != 3 or min(self.image_shape) < 1 or max(self.image_shape[1:]) < 2:
            raise InputError(f"image shape {self.image_shape} is not (channels, height, width) of at least two pixels")
        if self.latent_dim < 1:
            raise InputError(f"latent_dim {self.latent_dim} must be at least 1")
        if self.classes < 0 or self.classes == 1:
            raise InputError(f"classes {self.classes} must be 0 (unconditional) or at least 2")
        if (self.head == "none") != (self.classes == 0):
            raise InputError(
                f"head {self.head!r} does not go with {self.classes} classes; "
                "use 'none' with 0 classes, 'auxiliary' or 'projection' with 2 or more"
            )
        if self.head not in FAMILIES[self.family].heads:
            heads = " or ".join(sorted(FAMILIES[self.family].heads))
            raise InputError(f"head {self.head!r} does not go with the family {self.family!r}; use {heads}")
        if self.settings.moments and self.head == "auxiliary":
            raise InputError("moments do not go with the head 'auxiliary': a class must not depend on the other images")

    def build(self, seed: int = 0) -> Networks:
        """Make untrained networks; the same seed, 0 or more, gives the same weights."""
        sizes = self.image_shape, self.latent_dim, self.classes
        return FAMILIES[self.family].build(*sizes, self.head, self.settings, seed)

    def per_sample(self) -> "Architecture":
        """Return the same networks with critics that use no statistics over the batch; InputError if they have to."""
        return replace(self, settings=FAMILIES[self.family].per_sample(self.settings))

    def to_state(self) -> dict[str, Any]:
        """Return it as JSON values, the settings' options beside the rest."""
        state = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "settings"} | asdict(self.settings)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in state.items()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Architecture":
        """Make it from what `to_state` returned; InputError for unknown or missing entries, as of another version."""
        shared = [f.name for f in fields(cls) if f.name != "settings"]
        require_known("family", state.get("family"), FAMILIES)
        kind = FAMILIES[state["family"]].Settings
        names = [*shared, *(option.name for option in fields(kind))]
        if sorted(state) != sorted(names):
            raise InputError(f"an architecture of {', '.join(state) or 'nothing'}; must have {', '.join(names)}")
        return cls(**{n: state[n] for n in shared}, settings=kind(**{n: state[n] for n in names if n not in shared}))
