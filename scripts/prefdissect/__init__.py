"""Find out what a judge rewards: the library behind the workflow's scripts."""

__version__ = "0.1.0"
