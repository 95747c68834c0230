"""The five steps put together: recipes, the run folder, evaluation, report, and the command line."""
