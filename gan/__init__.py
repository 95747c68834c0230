"""Steps 3 and 4: networks, objectives, training, checkpoints, sampling. torch only; knows images, not their content.

What is needed inside the package is imported from the module that defines it.
"""
