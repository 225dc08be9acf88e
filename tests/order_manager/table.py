# ruff: noqa: E501 - the rows stand as they were written
"""The order state machine as it was specified: events in rows, states in columns, in the notation of its document.

Codes: `=` no change; `D` derive from what is filled and the total (0 SU, part PF, full FI); `!` a person should know;
`Q?` ask the broker and act on the answer; `x` refuse the request to the caller; `-` cannot happen, is logged.
"""

from typing import Final

TABLE: Final = """
| Event | P0 | P1 | UN | SU | PF | CR | RR | FI | CA | RJ | EX |
| 1 send marker committed | P1 | - | - | - | - | - | - | - | - | - | - |
| 2 local deny (risk, kill) | RJ | - | - | - | - | - | - | - | - | - | - |
| 3 signal too old | EX | - | - | - | - | - | - | - | - | - | - |
| 4 place accepted (broker id) | - | D | D | = | = | = | = | = | = | D! | = |
| 5 definite reject / FAILED | - | RJ | RJ | RJ | CA! | RJ if cum=0 else CA | as CR | =! | = | = | = |
| 6 timeout, disconnect, broker TIMEOUT | - | UN, Q? | Q? | Q? | Q? | Q? | Q? | = | = | Q? | = |
| 7 "working" report | -! | D | D | = | = | = | = | = (stale) | =; D! if two queries agree | D! | as CA |
| 8 fill, leaves > 0 after | PF! | PF | PF | PF | PF | CR | RR | PF (only after bust/upsize) | CA! late | PF! reopen | EX! late |
| 9 fill, leaves = 0 after | FI! | FI | FI | FI | FI | FI | FI; RR if upsize is pending | - | FI! late | FI! reopen | FI! late |
| 10 overfill (cum > Q) | FI! | FI! | FI! | FI! | FI! | FI! | RR! if upsize covers it, else FI! | FI! | FI! | FI! | FI! |
| 11 duplicate fill, same content | = | = | = | = | = | = | = | = | = | = | = |
| 12 bust / correction | - | = | = | D | D | CR | RR | D; CA if broker closed it | CA | RJ | EX |
| 13 cancel asked | CA | =, cancel_wanted | =, cancel_wanted | CR | CR | = | CR | x | x | x | x |
| 14 broker says cancelled | - | CA | CA | CA | CA | CA | CA | =, Q?! | = | CA! | = |
| 15 cancel refused | - | - | - | = | = | Q?: live D, full FI, gone as reported | = | = | = | = | = |
| 16 cancel outcome unclear | - | - | - | = | = | CR, Q? | = | = | = | = | = |
| 17 replace asked | edit | x | x | RR | RR; CR if new total <= cum | x | x (keep newest wish) | x | x | x | x |
| 18 replace accepted | - | - | - | D new | D new | CR new terms | D new; FI if new total <= cum | =! | =! | =! | =! |
| 19 replace refused | - | - | - | = | = | = | Q?: live D old terms, else as reported | = | = | = | = |
| 20 replace outcome unclear | - | - | - | = | = | = | RR, Q?: compare both sets of terms | = | = | = | = |
| 21 session end / GTD, broker closed it | EX | Q? | Q? | EX | EX | EX or CA as reported | EX | = | = | EX! | = |
| 22 confirmed not at broker | - | = (call still open; wait for 4-6) | RJ not_at_broker | =! review | =! review | =! review | =! review | = | = | = | = |
| 23 process restart | P0 if fresh, else EX | UN, Q? | Q? | Q? | Q? | Q? | Q? | = | = | = | = |
"""

_HEADER, *_ROWS = [[cell.strip() for cell in line.strip("| ").split("|")] for line in TABLE.strip().splitlines()]

STATES: Final = tuple(_HEADER[1:])
ROWS: Final = {int(row[0].split()[0]): row[0] for row in _ROWS}
CELLS: Final = {
    (int(row[0].split()[0]), state): text for row in _ROWS for state, text in zip(STATES, row[1:], strict=True)
}
assert (len(ROWS), len(STATES), len(CELLS)) == (23, 11, 253)
