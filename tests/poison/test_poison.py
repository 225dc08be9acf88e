"""Whatever a queue holds: no order of anything malformed, no actor fails, and the next good signal is served."""

import itertools
import tracemalloc
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.messages import SignalRefused
from actors.model import fields, signal, wire
from actors.order_manager.intake import Intake
from actors.signal_consumer import decode
from actors.signal_consumer.base import Entry
from actors.signal_consumer.decode import Decoder
from tests.poison.campaign import put_through
from tests.poison.corpus import NAMED_BY_ITS_QUEUE, corpus
from tests.poison.judge import judge
from tests.poison.mutate import Mutator
from tests.support.builders import ACCOUNT
from tests.support.intake_line import SHAPES, Shape

CORPUS = corpus()
MUTANTS = 2_000
MOST_MEMORY = 32 * 1024 * 1024


def test_the_corpus_holds_five_hundred_entries_that_say_nothing() -> None:
    assert len(CORPUS) >= 500
    for entry_id in ("1-0", None):
        assert [entry for _, entry in CORPUS if judge(entry, ACCOUNT, entry_id) is not None] == []
    assert judge(NAMED_BY_ITS_QUEUE, ACCOUNT, "1-0") is not None
    assert judge(NAMED_BY_ITS_QUEUE, ACCOUNT, None) is None


@pytest.mark.parametrize(("shape", "size"), list(zip(SHAPES, (1, 3, 20), strict=True)))
def test_each_entry_of_the_corpus_is_one_dead_letter_and_the_next_good_signal_an_order(
    shape: Shape, size: int, folder: Path
) -> None:
    trial = put_through([entry for _, entry in CORPUS], folder, shape, itertools.repeat(size))
    assert trial.violations == []
    assert trial.counts == {"dead_letter": len(CORPUS), "good": -(-len(CORPUS) // size)}


@pytest.mark.parametrize(("shape", "seed"), list(zip(SHAPES, (1, 2, 3), strict=True)))
def test_a_mutant_becomes_what_an_independent_reader_says_and_nothing_else(
    shape: Shape, seed: int, folder: Path
) -> None:
    mutator = Mutator(seed)
    mutants = [mutator.mutant() for _ in range(MUTANTS // len(SHAPES) + 1)]
    trial = put_through(mutants, folder, shape, itertools.cycle((1, 5, 40)))
    assert trial.violations == []
    assert {"dead_letter", "order", "command", "good"} <= trial.counts.keys()


def test_no_entry_of_the_corpus_costs_more_than_32_mb_to_read() -> None:
    decoder = Decoder(ACCOUNT)
    peaks: Counter[str] = Counter()
    for kind, entry in CORPUS:
        tracemalloc.start()
        assert isinstance(decoder.decode(Entry(entry, "key", "1-0")), SignalRefused)
        peaks[kind] = max(peaks[kind], tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert {kind: peak for kind, peak in peaks.items() if peak > MOST_MEMORY} == {}


# ------------------------------------------------------------ the trial is not blind


def _takes_repeated_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "_refuse_repeated_keys", lambda _raw, _values: None)


def _takes_any_number_for_a_price(monkeypatch: pytest.MonkeyPatch) -> None:
    parsers = tuple((name, _loose if parse is fields.parse_price else parse) for name, parse in signal._PARSE)
    monkeypatch.setattr(signal, "_PARSE", parsers)


def _loose(_field: str, text: object) -> Decimal:
    return Decimal(str(text)) if str(text).strip().replace(".", "").isdigit() else fields.parse_price("", text)


def _takes_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_BYTES", 10**9)


def _tells_a_reason_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "_one_line", lambda text: ascii(text) * 200)


def _loses_dead_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Intake, "_dead_letter", lambda *_: None)


def _fails_on_what_it_cannot_read(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: Any = Intake.refuse

    def refuse(self: Intake, message: SignalRefused, *, redelivered: bool) -> None:
        message.entry.payload.decode()
        kept(self, message, redelivered=redelivered)

    monkeypatch.setattr(Intake, "refuse", refuse)


@pytest.mark.parametrize(
    "defect",
    [
        _takes_repeated_keys,
        _takes_any_number_for_a_price,
        _takes_any_size,
        _tells_a_reason_without_end,
        _loses_dead_letters,
        _fails_on_what_it_cannot_read,
    ],
)
def test_a_planted_defect_is_found(
    defect: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    defect(monkeypatch)
    entries = [entry for _, entry in CORPUS if len(entry) < 100_000]
    assert put_through(entries, folder, "redis_stream", itertools.repeat(100)).violations != []
