"""`python -m anonimage`: the same command as `anonimage`."""

from .pipelines.command_line import main

if __name__ == "__main__":
    main()
