"""What docs/opend-sim.md shows works, and names what there is."""

import re
from types import ModuleType

import pytest

from actors.testing.opend.desk import Desk
from actors.testing.opend.faults import Faults
from tests.docs.pages import PAGES, blocks

PAGE = "docs/opend-sim.md"


def test_its_example_runs(sdk: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks(PAGE, "python")
    exec(compile(example, PAGE, "exec"), {})
    assert re.fullmatch(r"FT[0-9A-F]+ SUBMITTED\n", capsys.readouterr().out)


def test_it_names_every_fault_and_everything_that_is_done_behind_the_client_s_back() -> None:
    for kind in (Faults, Desk):
        for name in vars(kind):
            if not name.startswith("_"):
                assert re.search(rf"\b{name}\b", PAGES[PAGE]), name
