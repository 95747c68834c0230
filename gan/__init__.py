"""Steps 3 and 4: networks, objectives, training, checkpoints, sampling. torch only; knows images, not their content."""
