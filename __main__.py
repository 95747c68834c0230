"""`python -m anonimage`: the same command as `anonimage`."""

from .pipelines.commands import main

if __name__ == "__main__":
    main()
