"""Objectives: the adversarial losses."""
