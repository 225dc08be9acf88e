"""The written pages, and what stands in them."""

import re
import shlex
from pathlib import Path

import actors

ROOT = Path(__file__).parents[2]
PACKAGE = Path(actors.__file__).parent  # beside the pages in a checkout, somewhere else when a wheel is tested
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(ROOT.glob("docs/*.md")))
}

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return [body for kind, body in _FENCE.findall(PAGES[page]) if kind == language]


def spans(page: str) -> list[str]:
    """Return what is set as code within the text."""
    return _CODE.findall(_FENCE.sub("", PAGES[page]))


def lines(page: str) -> list[str]:
    """Return each line of a fenced block that holds no Python, and each piece of code within the text."""
    found = [line for kind, body in _FENCE.findall(PAGES[page]) if kind != "python" for line in body.splitlines()]
    return found + spans(page)


def program_calls(page: str) -> list[list[str]]:
    """Return the arguments of each call of the program that a page shows."""
    calls = []
    for line in lines(page):
        told = re.search(r"(?:python3 make\.py|order-actors) ([a-z-].*)", line)
        if told is not None:
            calls.append(shlex.split(told[1].replace("…", ""), comments=True))
    return calls


def located(name: str) -> Path:
    """Return where a file of the project is, named from the checkout's root."""
    return PACKAGE.parent / name if name.split("/", maxsplit=1)[0] == "actors" else ROOT / name
