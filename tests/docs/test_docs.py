"""What the pages say of the code is so: names of tests, files, settings, messages, commands; links lead somewhere."""

import ast
import inspect
import re
from typing import Any

import click
import msgspec
import pytest

from actors import messages, verify
from actors.cli.commands import cli
from actors.model import OrderStatus
from actors.order_manager.events import FillBody, NoteBody, OrderBody
from actors.settings import Settings
from actors.settings.rules import Section
from tests.docs.pages import PACKAGE, PAGES, ROOT, blocks, lines, located, program_calls, spans

PROMISES = "docs/guarantees.md"
MESSAGES = "docs/architecture.md"
OPERATIONS = "docs/operations.md"
_EVENT = r"(?:bracket|broker|cancel|command|fill|log|order|replace|signal|trading)\.[a-z_]+"
_NOTING = ("order_manager/*.py", "kill_switch/*.py", "store/anchor.py")
NOTES = {
    kind
    for pattern in _NOTING
    for path in PACKAGE.glob(pattern)
    for kind in re.findall(f'"({_EVENT})"', path.read_text("utf-8"))
}
EVENTS = {f"order.{status.value}" for status in OrderStatus} | NOTES
"""The types an event of the log can have."""

WORLD = ("https://keepachangelog.com/", "https://semver.org/")
"""All that a page may link to outside of the project."""

FOREIGN = re.compile(
    r"/work/|/root/|/home/|/Users/|/tmp/|[A-Z]:\\Users|index-url|extra-index|artifactory|nexus|devpi|pythonhosted|"
    r"pypi\.|proxy\.golang|\.internal\b|\.corp\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        if "://" in target:
            assert target.startswith(WORLD), f"{page}: {target}"
        else:
            assert (ROOT / page).parent.joinpath(target).exists(), f"{page}: {target}"


@pytest.mark.parametrize("page", [*PAGES, "examples/embedded.py", "examples/producer.py", "make.py"])
def test_nothing_names_a_machine_or_a_registry(page: str) -> None:
    found = FOREIGN.search((ROOT / page).read_text(encoding="utf-8"))
    assert found is None, f"{page}: {found}"


def test_the_first_page_links_to_all_others() -> None:
    for page in PAGES.keys() - {"README.md"}:
        assert f"]({page})" in PAGES["README.md"], page


@pytest.mark.parametrize("page", PAGES)
def test_files_named_in_the_text_exist(page: str) -> None:
    for name in spans(page):
        if re.fullmatch(r"(?:actors|benchmarks|config|docs|examples|tests)/[\w./-]+", name):
            assert located(name).exists(), f"{page}: {name}"


# ------------------------------------------------------------ promises


def named_tests() -> list[tuple[str, str]]:
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGES[PROMISES])


def test_every_test_that_holds_a_promise_exists() -> None:
    for path, name in named_tests():
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert name in functions, f"{path}::{name}"


def test_every_promise_names_a_test_that_holds_it() -> None:
    sections = re.split(r"^## ", PAGES[PROMISES], flags=re.MULTILINE)[1:]
    *promises, last = sections
    assert last.startswith("Not promised at all")
    assert [section.splitlines()[0] for section in promises if "::test_" not in section] == []


def test_every_promise_that_verify_recomputes_is_told() -> None:
    recomputed = set(re.findall(r'"(I\d+)"', inspect.getsource(verify)))
    told = set(re.findall(r"^## (I\d+) · ", PAGES[PROMISES], flags=re.MULTILINE))
    assert recomputed
    assert recomputed <= told


# ------------------------------------------------------------ settings


def setting(path: list[str]) -> bool:
    """Tell whether a dotted key leads to a setting or a section."""
    kind: Any = Settings
    for name in path:
        if not (isinstance(kind, type) and issubclass(kind, Section)):
            return False
        fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
        if name not in fields:
            return False
        kind = fields[name]
    return True


def test_a_key_that_leads_nowhere_is_told_from_one_that_does() -> None:
    assert setting(["broker", "paper", "prices", "tick"])
    assert setting(["account_id"])
    assert not setting(["broker", "ibkr"])
    assert not setting(["account_id", "x"])


@pytest.mark.parametrize("page", PAGES)
def test_settings_named_in_the_text_exist(page: str) -> None:
    sections = "|".join(field.name for field in msgspec.structs.fields(Settings))
    for text in spans(page):
        for key in re.findall(rf"^(?:{sections})(?:\.[a-z_]+)+(?=$|: )", text):
            if key not in EVENTS and not key.endswith((".sqlite", ".py", ".conf", ".yaml")):
                assert setting(key.split(".")), f"{page}: {key}"


@pytest.mark.parametrize("page", PAGES)
def test_variables_named_anywhere_override_a_setting(page: str) -> None:
    for name in re.findall(r"ORDER_ACTORS__(\w+)", PAGES[page]):
        assert setting(name.lower().split("__")), f"{page}: {name}"


# ------------------------------------------------------------ messages


def test_the_table_of_messages_holds_every_message_and_no_other() -> None:
    defined = {
        name
        for name, kind in vars(messages).items()
        if isinstance(kind, type) and issubclass(kind, messages.Message) and kind is not messages.Message
    }
    section = PAGES[MESSAGES].split("## Who tells whom what")[1].split("\n## ")[0]
    told = set(re.findall(r"`([A-Z]\w+)`", section))
    assert told == defined


@pytest.mark.parametrize("page", PAGES)
def test_events_named_in_the_text_exist(page: str) -> None:
    named = {text for text in spans(page) if re.fullmatch(_EVENT, text) and not setting(text.split("."))}
    assert named <= EVENTS, page


def test_every_event_of_the_log_is_told_of() -> None:
    told = set(spans(OPERATIONS))
    assert len(NOTES) > 20
    assert told >= NOTES
    for body in (OrderBody, FillBody, NoteBody):
        assert set(body.__struct_fields__) <= told, body


# ------------------------------------------------------------ commands


MAKE = {"demo", "help", "lint", "test", "wheel"}


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_options_exist(page: str) -> None:
    for call in program_calls(page):
        if call[0] in MAKE - {"demo"}:
            continue
        group: click.Command = cli
        words = list(call)
        while isinstance(group, click.Group) and words and not words[0].startswith("-"):
            found = group.get_command(click.Context(group), words[0])
            if found is None:
                assert group is not cli, f"{page}: {call}"
                break
            group = found
            words.pop(0)
        known = {option for parameter in group.params for option in parameter.opts} | {"--help", "--debug"}
        assert {word for word in words if word.startswith("-")} <= known, f"{page}: {call}"


def test_the_two_commands_come_first() -> None:
    assert blocks("README.md", "sh")[0].splitlines() == ["python3 make.py demo", "python3 make.py test"]


def test_every_command_is_told_of() -> None:
    told = {word for page in PAGES for line in lines(page) for word in re.findall(r"[a-z][a-z-]+", line)}
    assert set(cli.list_commands(click.Context(cli))) <= told
