"""PyTorch's largest library, loaded while Python loads the modules of a page.

That is a sixth of loading PyTorch. `import` does it with Python's lock held, so that nothing else
goes on; a function of another library is called without that lock.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path


def load_ahead() -> None:
    """Begin to load the library in a thread, for `import torch` to find it there.

    Where there is none by this name, or it cannot be loaded, `import torch` does, or says why.
    """
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return
    library = Path(spec.origin).with_name("lib") / "libtorch_cpu.so"
    if library.is_file():
        import ctypes
        import threading

        load = ctypes.CDLL(None).dlopen
        threading.Thread(target=load, args=(bytes(library), os.RTLD_LAZY), daemon=True).start()
