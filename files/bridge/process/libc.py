"""Calls into the C library that no module of Python's offers.

They are built from what `ctypes` is built from: the package itself would cost each bridge 0.2 MB of memory.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Libc:
    """The C library of this process. Raises OSError where the host lets none be called: some allow no memory that can
    be executed."""

    def __init__(self) -> None:
        try:
            import _ctypes
        except (ImportError, MemoryError) as error:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from error
        self._ctypes: Any = _ctypes
        simple, flags = self._ctypes._SimpleCData, _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
        long = type("Long", (simple,), {"_type_": "l"})
        self.size: Callable[[int], object] = type("Size", (simple,), {"_type_": "L"})
        self._function: Any = type("Function", (self._ctypes.CFuncPtr,), {"_flags_": flags, "_restype_": long})
        self._handle = self._ctypes.dlopen(None, 0)
        self._found: dict[str, Callable[..., int]] = {}

    def call(self, name: str, *arguments: object) -> int:
        """Returns what the function `name` returns. `arguments`: int, a `size`, bytes that it reads, or None for a null
        pointer. Raises OSError where it returns a negative number."""
        if name not in self._found:
            self._found[name] = self._function(self._ctypes.dlsym(self._handle, name))
        result = self._found[name](*arguments)
        if result < 0:
            number = self._ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return int(result)
