"""Where real data comes from and synthetic data goes to: one module for each kind of source."""

from .kinds import (
    NOUNS,
    check_source,
    kind_of,
    new_format,
    read_synthetic,
    recipe_for,
    refuse_foreign,
    write_samples,
    write_store,
)

__all__ = [
    "NOUNS",
    "check_source",
    "kind_of",
    "new_format",
    "read_synthetic",
    "recipe_for",
    "refuse_foreign",
    "write_samples",
    "write_store",
]
