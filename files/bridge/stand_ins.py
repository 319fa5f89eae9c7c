"""Stand-ins for modules that are imported and not used, which keep most of what the bridge would take of memory away.

asyncio, uvloop, httptools and orjson import TLS, subprocesses, logging and the like for the sake of programs that need
them. Each of these modules is put in place without its code, with the few names that are taken while others are
imported. Whoever asks for another name gets the module itself: its code runs then, and not before.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from types import FunctionType, GeneratorType, MethodType, ModuleType

TYPE_CHECKING = False  # typing is one of them
if TYPE_CHECKING:
    from typing import Any

_ASYNCIO = ("exceptions", "coroutines", "events", "futures", "protocols", "tasks", "transports", "locks", "timeouts")
_CO_COROUTINE = 128  # inspect.CO_COROUTINE
_WAITS = ("FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED")


def install() -> None:
    """Puts them in place. Of use only before the first of these modules is imported."""
    _stand_in("typing", _typing())
    _stand_in("dataclasses", {"dataclass": _dataclass, "replace": _replace, "_FIELD": None})
    _stand_in("ssl", _ssl())
    _stand_in("subprocess", {"PIPE": -1, "STDOUT": -2, "DEVNULL": -3, "SubprocessError": None})
    _stand_in("inspect", {"isgenerator": _is_generator, "iscoroutinefunction": _is_coroutine_function})
    functions = ("extract_stack", "format_list", "walk_stack")
    _stand_in("traceback", {name: _calling("traceback", name) for name in functions} | {"StackSummary": None})
    _stand_in("linecache", {})
    _stand_in("selectors", {})
    levels = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}
    _stand_in("logging", {"getLogger": _Logger, **levels})
    futures = {name: _named(name) for name in ("Future", "ThreadPoolExecutor")}
    futures |= {"CancelledError": _named("CancelledError", Exception), "TimeoutError": TimeoutError}
    _stand_in("concurrent.futures", futures | dict(zip(_WAITS, _WAITS, strict=True)))
    _stand_in(
        "gettext", {"gettext": lambda text: text, "ngettext": lambda one, many, number: one if number == 1 else many}
    )
    _stand_in("shutil", {"get_terminal_size": lambda: os.terminal_size((80, 24))})
    _stand_in("uuid", {"UUID": _named("UUID")})
    _stand_in("json", {"JSONDecodeError": _named("JSONDecodeError", ValueError)})
    _datetime()
    _hmac()
    for package in ("uvloop", "httptools", "httptools.parser"):
        _stand_in(package, {})
    _asyncio()


def drop(*names: str) -> None:
    """Forgets modules that have served their purpose, so that what comes next takes their memory."""
    for name in names:
        sys.modules.pop(name, None)
    gc.collect()


def _stand_in(name: str, given: dict[str, Any]) -> ModuleType | None:
    """Puts the module `name` in place with the names in `given`, unless it is imported already or is not there."""
    if name in sys.modules:
        return None
    parent, _, leaf = name.rpartition(".")
    spec = PathFinder.find_spec(name, import_module(parent).__path__ if parent else None)
    if spec is None or spec.loader is None:
        return None
    module = ModuleType(name)
    module.__spec__, module.__loader__, module.__file__ = spec, spec.loader, spec.origin
    if spec.submodule_search_locations is not None:
        module.__path__ = spec.submodule_search_locations

    def other(wanted: str) -> Any:
        if wanted.startswith("__") and wanted != "__all__":
            raise AttributeError(f"module '{name}' has no attribute '{wanted}'")
        if hasattr(module, "__path__") and wanted != "__all__":
            try:
                return import_module(f"{name}.{wanted}")
            except ModuleNotFoundError:
                pass
        return getattr(_whole(name), wanted)

    module.__dict__.update(given, __package__=name if hasattr(module, "__path__") else parent, __getattr__=other)
    sys.modules[name] = module
    if parent:
        setattr(sys.modules[parent], leaf, module)
    return module


def _named(name: str, base: type = object) -> type:
    return type(name, (base,), {})


def _calling(module: str, function: str) -> Any:
    """What calls the function of the module itself, for whoever takes it before there is one."""
    return lambda *arguments, **more: getattr(_whole(module), function)(*arguments, **more)


def _whole(name: str) -> ModuleType:
    module = sys.modules[name]
    load = vars(module).pop("__getattr__", None)
    if load is not None and module.__spec__ is not None and module.__spec__.loader is not None:
        module.__spec__.loader.exec_module(module)
    return module


def _is_generator(one: object) -> bool:
    return isinstance(one, GeneratorType)


def _is_coroutine_function(one: object) -> bool:
    return isinstance(one, (FunctionType, MethodType)) and bool(one.__code__.co_flags & _CO_COROUTINE)


def _typing() -> dict[str, Any]:
    """What a program needs of it that is checked elsewhere."""
    generic = _Generic()
    names = ("Any", "Optional", "Union", "Type", "Tuple", "List", "Dict", "Callable", "ClassVar")
    return {
        **dict.fromkeys(names, generic),
        "TYPE_CHECKING": False,
        "Protocol": _named("Protocol"),
        "TypeVar": lambda *_bounds, **_more: generic,
        "cast": lambda _kind, value: value,
        "final": lambda value: value,
        "overload": lambda value: value,
    }


class _Generic:
    def __getitem__(self, _kinds: object) -> _Generic:
        return self


def _dataclass(*, frozen: bool = False, slots: bool = False, eq: bool = True, repr: bool = True) -> Any:
    """As far as the bridge uses it: fields of one class, with or without defaults. Nothing is enforced at run time."""

    def made(cls: Any) -> Any:
        fields = tuple(cls.__annotations__)
        defaults = {name: cls.__dict__[name] for name in fields if name in cls.__dict__}
        cls.__init__ = _updated if len(defaults) == len(fields) else _initializer(fields, defaults)
        if eq:
            cls.__eq__, cls.__hash__ = _equal, _hash
        return cls

    return made


def _updated(one: object, **given: Any) -> None:
    vars(one).update(given)  # the others are the class's own


def _initializer(fields: tuple[str, ...], defaults: dict[str, Any]) -> Any:
    parameters = ", ".join(f"{name}=defaults[{name!r}]" if name in defaults else name for name in fields)
    body = "".join(f"\n    one.{name} = {name}" for name in fields)
    found: dict[str, Any] = {"defaults": defaults}
    exec(f"def __init__(one, {parameters}):{body}", found)  # noqa: S102  # only names of fields, as dataclasses does
    return found["__init__"]


def _equal(one: object, other: object) -> bool:
    return type(one) is type(other) and vars(one) == vars(other)


def _hash(one: object) -> int:
    return hash(tuple(vars(one).values()))


def _replace(one: Any, **changes: Any) -> Any:
    return type(one)(**(vars(one) | changes))


def _ssl() -> dict[str, Any]:
    error = _named("SSLError", OSError)
    errors = ("SSLWantReadError", "SSLWantWriteError", "SSLSyscallError", "SSLZeroReturnError")
    numbers = {"SSL_ERROR_WANT_READ": 2, "SSL_ERROR_WANT_WRITE": 3, "SSL_ERROR_SYSCALL": 5}
    classes = {name: _named(name) for name in ("SSLContext", "MemoryBIO", "SSLObject", "SSLSocket")}
    return {
        **numbers,
        **classes,
        **{name: _named(name, error) for name in errors},
        "SSLError": error,
        "CertificateError": error,
        "create_default_context": None,
    }


class _Logger:
    """What asyncio and its like complain to, which the loop's exception handler does not get."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def __getattr__(self, level: str) -> Any:
        if level.startswith("__"):
            raise AttributeError(level)
        return lambda *words, **_more: print(f"{self.name}: {level}:", *words, file=sys.stderr)


def _datetime() -> None:
    """The types in C, without those in Python that the module makes first and then throws away."""
    try:
        import _datetime as compiled  # type: ignore[import-not-found]
    except ImportError:
        return
    public = {name: value for name, value in vars(compiled).items() if not name.startswith("_")}
    _stand_in("datetime", public)


def _hmac() -> None:
    """Without libcrypto, where the interpreter has the digest itself."""
    for name in ("_sha256", "_sha2"):
        if name in sys.builtin_module_names or PathFinder.find_spec(name) is not None:
            sys.modules.setdefault("_hashlib", None)  # type: ignore[arg-type]  # documented: it is not there
            break
    from _operator import _compare_digest

    _stand_in("hmac", {"compare_digest": _compare_digest})


def _asyncio() -> None:
    """Its futures, tasks, locks and time-outs; not its own loops, streams and subprocesses."""
    package = _stand_in("asyncio", {"AbstractChildWatcher": _named("AbstractChildWatcher")})
    if package is None:
        return
    for name in (*_ASYNCIO, "runners"):
        module = import_module(f"asyncio.{name}")
        vars(package).update({public: getattr(module, public) for public in module.__all__})
    # uvloop imports them, and uses nothing of them without TLS and subprocesses.
    for name in ("base_events", "sslproto", "subprocess", "unix_events"):
        _stand_in(f"asyncio.{name}", {})
