"""A YAML file, and the environment over it, as a tree that remembers where each value stands.

Values stay text: the type of a setting decides what its text means, not YAML's guess (which reads 9:30 as 570, NO as
False and 1_000 as 1000).
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn, TypeAlias

import msgspec
import yaml
from typing_extensions import override

from actors.errors import SettingsError
from actors.settings.secrets import shown

MAX_BYTES: Final = 64 * 1024
PREFIX: Final = "ORDER_ACTORS__"
_TAG: Final = "tag:yaml.org,2002:"
_KINDS: Final = {
    "str": "text",
    "int": "a number",
    "float": "a number",
    "bool": "a boolean",
    "null": "nothing",
    "timestamp": "a date",
    "merge": "a merge key",
    "value": "a value key",
    "map": "a section of keys",
    "seq": "a list",
}


class Leaf(msgspec.Struct, frozen=True):
    """One value.

    Attributes:
        text: What was written.
        kind: What YAML takes it for: a key of ``_KINDS``.
        where: The file and line, or the environment variable.
        plain: Whether it was written without quotes.
        from_environment: Whether it comes from a variable, where quotes cannot tell text from numbers.
        private: Whether nobody but its owner can read it there.
    """

    text: str
    kind: str
    where: str
    plain: bool
    from_environment: bool = False
    private: bool = False

    @property
    def described(self) -> str:
        """Say in words what kind of value it is."""
        return _KINDS[self.kind]


class Branch(msgspec.Struct):
    """A section: its entries by key, and where it and each of its keys stand."""

    where: str
    entries: "dict[str, Tree]"
    keys: dict[str, str]


class Items(msgspec.Struct, frozen=True):
    """A list: its items in order, and where it stands."""

    where: str
    items: "tuple[Tree, ...]"
    kind: str = "seq"

    @property
    def described(self) -> str:
        """Say in words what kind of value it is."""
        return _KINDS[self.kind]


Tree: TypeAlias = Leaf | Branch | Items


def read_document(path: str | os.PathLike[str], environ: Mapping[str, str] | None = None) -> Branch:
    """Read a YAML file and put the overrides of the environment over it.

    Raises:
        FileNotFoundError: There is no such file.
        SettingsError: The file is no plain YAML mapping of at most 64 KB.
    """
    tree = _parse(Path(path))
    for name, value in sorted((os.environ if environ is None else environ).items()):
        if name.startswith(PREFIX):
            _override(tree, name, value)
    return tree


def _parse(path: Path) -> Branch:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
            private = os.name != "posix" or not os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SettingsError(f"{path}: cannot be read: {reason}") from None
    if len(data) > MAX_BYTES:
        raise SettingsError(f"{path}: larger than {MAX_BYTES // 1024} KB")
    return _Reader(str(path), private=private).read(data)


class _Reader:
    """Turns the nodes of one file into a tree."""

    def __init__(self, name: str, *, private: bool) -> None:
        self._name = name
        self._private = private

    def read(self, data: bytes) -> Branch:
        try:
            node = _Loader(data.decode("utf-8-sig")).get_single_node()
        except UnicodeDecodeError as error:
            raise SettingsError(f"{self._name}: not UTF-8 at byte {error.start}") from None
        except RecursionError:
            raise SettingsError(f"{self._name}: nested too deep") from None
        except yaml.MarkedYAMLError as error:
            self._refuse(error.problem_mark or error.context_mark, f"not YAML: {error.problem}")
        except yaml.YAMLError as error:
            raise SettingsError(f"{self._name}: not YAML: {shown(' '.join(str(error).split()))}") from None
        if node is None:
            return Branch(f"{self._name}:1", {}, {})
        tree = self._tree(node)
        if not isinstance(tree, Branch):
            raise SettingsError(f"{tree.where}: expected keys such as account_id: A, got {tree.described}")
        return tree

    def _tree(self, node: yaml.Node) -> Tree:
        where = self._where(node.start_mark)
        if not node.tag.startswith(_TAG) or node.tag[len(_TAG) :] not in _KINDS:
            self._refuse(node.start_mark, f"the tag {shown(node.tag)} is not used here")
        if isinstance(node, yaml.MappingNode):
            return self._branch(node, where)
        if isinstance(node, yaml.ScalarNode):
            return Leaf(node.value, node.tag[len(_TAG) :], where, plain=node.style is None, private=self._private)
        return Items(where, tuple(self._tree(item) for item in node.value))

    def _branch(self, node: yaml.MappingNode, where: str) -> Branch:
        branch = Branch(where, {}, {})
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(key.start_mark, "a key must be a word")
            if key.value in branch.entries:
                first = branch.keys[key.value].rpartition(":")[2]
                self._refuse(key.start_mark, f"{shown(key.value)}: given twice, first on line {first}")
            branch.keys[key.value] = self._where(key.start_mark)
            branch.entries[key.value] = self._tree(value)
        return branch

    def _where(self, mark: yaml.Mark) -> str:
        return f"{self._name}:{mark.line + 1}"

    def _refuse(self, mark: yaml.Mark | None, reason: str) -> NoReturn:
        raise SettingsError(f"{self._name if mark is None else self._where(mark)}: {reason}")


class _Loader(yaml.SafeLoader):
    """Composes nodes and refuses aliases, which let a small file grow without bound."""

    @override
    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not used here", mark)
        return super().compose_node(parent, index)


def _override(tree: Branch, name: str, value: str) -> None:
    where = f"environment variable {name}"
    *sections, last = name.removeprefix(PREFIX).lower().split("__")
    branch = tree
    for section in sections:
        below = branch.entries.get(section)
        if not isinstance(below, Branch):
            below = Branch(where, {}, {})
            branch.entries[section] = below
            branch.keys[section] = where
        branch = below
    tag: str = yaml.resolver.Resolver().resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]
    branch.entries[last] = Leaf(value, tag[len(_TAG) :], where, plain=True, from_environment=True, private=True)
    branch.keys[last] = where
