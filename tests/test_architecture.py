"""What a reader may rely on everywhere: who imports whom, one call site for orders, frozen messages, small files."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import actors
from actors import messages

ROOT = Path(actors.__file__).resolve().parent
MODULES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
FOLDERS = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
ACTOR_FOLDERS = {"signal_consumer", "order_manager", "broker", "portfolio", "publisher"}
PORTS = {"actors.broker.base", "actors.signal_consumer.base"}

# The names of the public contract, as far as they stand; `Event` and the like may come in addition.
CONTRACT = {
    "OrderStatus",
    "Signal",
    "Order",
    "OrderFill",
    "Broker",
    "BrokerError",
    "OrderSubmissionError",
    "OrderCancelError",
    "PaperBroker",
    "BrokerConfig",
    "load_broker",
    "Settings",
    "TradingSystem",
}


def imports(name: str) -> set[str]:
    """Return every module a module imports, wherever in it; of `from x import y` both x and x.y."""
    found: set[str] = set()
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            module = str(node.module)
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


def ours(name: str) -> set[str]:
    return {imported for imported in imports(name) if imported in MODULES}


def within(package: str) -> Iterator[str]:
    return (name for name in MODULES if name == package or name.startswith(package + "."))


def folder(name: str) -> str:
    return name.split(".")[1] if name.count(".") else ""


def test_the_model_imports_no_actor_and_only_the_clock_of_the_runtime() -> None:
    for name in within("actors.model"):
        strange = {i for i in ours(name) if folder(i) not in ("model", "errors")} - {"actors", "actors.runtime"}
        assert strange <= {"actors.runtime.clock"}, name


def test_messages_import_the_model_and_the_ports_alone() -> None:
    for name in within("actors.messages"):
        known = {i for i in ours(name) if folder(i) not in ("model", "errors", "messages")}
        assert known - {"actors", "actors.broker", "actors.signal_consumer"} <= PORTS, name


def test_the_runtime_knows_nothing_of_trading() -> None:
    for name in within("actors.runtime"):
        assert {i for i in ours(name) if folder(i) != "runtime"} <= {"actors"}, name


@pytest.mark.parametrize("owner", sorted(ACTOR_FOLDERS))
def test_an_actor_s_folder_imports_of_other_actors_what_they_offer_and_not_their_actors(owner: str) -> None:
    for name in within(f"actors.{owner}"):
        for imported in ours(name):
            if folder(imported) in ACTOR_FOLDERS - {owner}:
                last = imported.split(".")[-1]
                assert last not in ("actor", "worker", "session", "lanes", "reader"), f"{name} imports {imported}"


def test_nothing_but_the_top_imports_what_composes() -> None:
    composing = {"actors.system", "actors.assembly"}
    top = composing | {"actors.__main__", "actors.exports", "actors.verify", "actors.health"}
    for name in MODULES:
        if folder(name) in ("cli", "commands", "") or name in top:
            continue
        assert not ours(name) & composing, name


@pytest.mark.parametrize(
    ("library", "places"),
    [
        ("pykka", {"actors.runtime.threads"}),
        ("futu", {"actors.broker.futu"}),
        ("redis", {"actors.redis_link", "actors.signal_consumer", "actors.publisher", "actors.cli"}),
        ("sqlalchemy", {"actors.store"}),
        ("alembic", {"actors.store"}),
        ("click", {"actors.cli"}),
        ("rich", {"actors.cli"}),
        ("exchange_calendars", {"actors.sessions.calendars"}),
        ("pandas", set()),
    ],
)
def test_a_library_is_imported_in_its_place_alone(library: str, places: set[str]) -> None:
    for name in MODULES:
        if any(imported.split(".")[0] == library for imported in imports(name)):
            assert any(name == place or name.startswith(place + ".") for place in places), f"{name} imports {library}"


def test_redis_is_imported_by_adapters_and_not_by_actors() -> None:
    users = {name for name in MODULES if any(i.split(".")[0] == "redis" for i in imports(name))}
    assert users
    assert all("redis" in name.split(".")[-1] or folder(name) == "cli" for name in users), users


def calls_of(method: str) -> list[str]:
    return [
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method
    ]


@pytest.mark.parametrize("method", ["submit_order", "cancel_order", "replace_order"])
def test_orders_and_cancels_leave_through_one_line(method: str) -> None:
    assert calls_of(method) == ["actors.broker.session"]


def test_every_message_is_frozen() -> None:
    kinds = [kind for kind in vars(messages).values() if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
    assert len(kinds) > 40
    for kind in kinds:
        assert kind.__struct_config__.frozen, kind


@pytest.mark.parametrize("kind", ["signal", "order", "fill", "position", "event"])
def test_every_value_of_the_model_is_frozen(kind: str) -> None:
    module = sys.modules[f"actors.model.{kind}"]
    values = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, msgspec.Struct)]
    own = [value for value in values if value.__module__ == module.__name__ and not value.__name__.startswith("_")]
    assert own
    assert all(value.__struct_config__.frozen for value in own)


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    repository = Path(__file__).resolve().parents[1]
    long = {}
    for top in ("actors", "tests", "benchmarks", "examples"):
        for path in (repository / top).rglob("*.py"):
            length = len(path.read_text(encoding="utf-8").splitlines())
            if length > 400:
                long[str(path.relative_to(repository))] = length
    assert long == {}


def test_what_decides_has_no_clock_chance_or_thread_of_its_own() -> None:
    deciding = [name for name in MODULES if name.endswith(".actor")]
    for package in (
        "actors.model",
        "actors.order_manager",
        "actors.portfolio",
        "actors.runtime.cell",
        "actors.sessions",
    ):
        deciding += within(package)
    assert len(deciding) > 20
    for name in deciding:
        assert not {imported.split(".")[0] for imported in imports(name)} & {"time", "uuid", "random", "threading"}, (
            name
        )


def test_the_public_names_are_those_of_the_contract() -> None:
    assert set(actors.__all__) >= CONTRACT
    assert list(actors.__all__) == sorted(actors.__all__)
    for name in actors.__all__:
        assert getattr(actors, name) is not None
    public = {name for name, value in vars(actors).items() if not name.startswith("_") and not is_module(value)}
    assert public == set(actors.__all__)


def is_module(value: object) -> bool:
    return isinstance(value, type(sys))


def test_every_folder_of_the_package_is_a_package() -> None:
    for path in ROOT.rglob("*.py"):
        assert (path.parent / "__init__.py").exists(), path
    assert ACTOR_FOLDERS <= FOLDERS
