"""What an engine is, and how one is chosen by name."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, Protocol, TypeVar

from ...data.parallel import Failure
from ...errors import InputError, nearest
from .local import LocalEngine
from .ray_engine import RayEngine

ENGINES = ("local", "ray")
Item = TypeVar("Item")
Result = TypeVar("Result")


class Engine(Protocol):
    """Where work on many items is done."""

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result | Failure]:
        """Apply a function to every item, several at a time.

        Only a few items are ahead of the one that is taken next, so memory does not grow with their number. An item
        whose work raises, or whose worker dies, gives a Failure, and the others are done all the same. When the
        iterator is closed, or Ctrl-C ends it, no worker goes on.

        Arguments:
            function: of one item; it and the items are pickled, so it is a function of a module or a partial of one.
            items: what to work on; taken one by one.

        Returns:
            Results, in the order of the items.
        """


def new_engine(name: Literal["local", "ray"], jobs: int | None = None, address: str | None = None) -> Engine:
    """Make an engine.

    Arguments:
        name: local: processes of this machine; ray: a Ray cluster.
        jobs: items worked on at once, each in a process of its own; None: as many as there are cores, on this machine
            in threads.
        address: of the Ray cluster, as host:port; None: a Ray of its own on this machine.

    Raises:
        InputError: another name, jobs below 1, or an address for an engine that has none.
    """
    if name not in ENGINES:
        raise InputError(f"engine '{name}' is not known{nearest(name, ENGINES)}")
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs {jobs}: at least 1, or leave --jobs out for one per core")
    if name == "ray":
        return RayEngine(address, jobs)
    if address is not None:
        raise InputError(f"address {address}: the local engine has none; add --engine ray or leave --address out")
    return LocalEngine(jobs)
