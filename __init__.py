"""anonimage: private data into images, a GAN on the images, and measured synthetic data back.

Importing this module imports nothing heavy: `anonimage --help` must answer without torch.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("anonimage")
except PackageNotFoundError:  # a bare checkout on the path, not installed
    __version__ = "0+unknown"
