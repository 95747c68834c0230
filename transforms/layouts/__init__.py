"""Layouts: how the samples of a window are arranged into an image."""
