"""Work spread over processes or machines: an engine maps a function over items, and one that fails stops no other."""

from ...data.parallel import Failure
from .engine import ENGINES, Engine, new_engine
from .local import LocalEngine
from .ray_engine import RayEngine

__all__ = ["ENGINES", "Engine", "Failure", "LocalEngine", "RayEngine", "new_engine"]
