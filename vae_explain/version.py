"""The version of the package: its one statement."""

__version__ = "0.1.0"
