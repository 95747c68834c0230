"""The report: one self-contained HTML file, real against synthetic, every number with interval and baseline."""
