"""The version of the package and the folder that it is in: the one statement of each."""

import os

__version__ = "0.1.0"

PACKAGE_FOLDER = os.path.dirname(__file__) + os.sep
