"""Utility: what a model that learns from synthetic samples is worth on real ones."""

from .score import score_utility
from .study import STUDIES

__all__ = ["STUDIES", "score_utility"]
