"""The report: one self-contained HTML file, real against synthetic, every number with interval and baseline."""

from .page import write_report

__all__ = ["write_report"]
