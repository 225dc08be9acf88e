"""What the text of a RET_ERROR proves."""

import pytest

from actors.broker.futu.outcomes import TABLE, Outcome, is_silence, outcome_of

UNKNOWN = (
    "PacketErr.Timeout",
    "Abnormal event timeout",
    "Disconnect",
    "NN_ProtoRet_TimeOut",
    "NN_ProtoRet_TimeOutNN_ProtoRet_TimeOut",
    "NN_ProtoRet_ByDisConnOrCacnel",
    "网络中断",
    "order insufficient data: request timed out",
    "Connection lost",
    "some text that nobody has seen before",
    "",
)
UNSENT = (
    "Connect timeout",
    "Connection closed",
    "Context status bad",
    "This protocol request is too frequent, triggering a frequency limit, please try again later",
    "此协议请求太频繁",
)
REFUSED = (
    "ERROR. Nonexisting acc_id 5!",
    "ERROR. the type of order_id param is wrong ",
    "Error variable. The remark parameter cannot be longer than 64 bytes after being converted to utf8",
    "Wrong type. remark should be str",
    "'x' has type str, but expected one of: int, float",
    "购买力不足",
    "Insufficient buying power",
    "the order price is not valid: invalid price",
)
LOCKED = ("Please unlock trade first", "请先解锁交易", "Trade is locked, unlock_trade first")


@pytest.mark.parametrize("text", UNKNOWN)
def test_a_lost_request_and_an_unknown_text_prove_nothing(text: str) -> None:
    assert outcome_of(text) is Outcome.UNKNOWN


@pytest.mark.parametrize("text", UNSENT)
def test_what_never_left_may_be_tried_again(text: str) -> None:
    assert outcome_of(text) is Outcome.UNSENT


@pytest.mark.parametrize("text", REFUSED)
def test_a_proven_refusal_is_one(text: str) -> None:
    assert outcome_of(text) is Outcome.REFUSED


@pytest.mark.parametrize("text", LOCKED)
def test_a_lock_is_told_from_a_refusal(text: str) -> None:
    assert outcome_of(text) is Outcome.LOCKED


def test_each_line_names_its_source() -> None:
    assert all(line.source for line in TABLE)


def test_silence_is_told_from_an_answer() -> None:
    assert [is_silence(text) for text in ("PacketErr.Timeout", "Connect timeout", "NN_ProtoRet_TimeOut", "no")] == [
        True,
        True,
        False,
        False,
    ]
