"""`python -m anonimage`: the same command as `anonimage`."""

from .launch import end_with_parent
from .pipelines.commands import main

if __name__ == "__main__":
    end_with_parent()
    main()
