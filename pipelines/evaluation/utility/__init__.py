"""Utility: what a model that learns from synthetic samples is worth on real ones."""
