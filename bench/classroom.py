"""A class on one server: all open a page within seconds, then each moves a control every few seconds.

The clients speak Streamlit's protocol over its websocket as a browser does, but draw nothing. They share the cores with the
server, so what is measured is a little slower than what a class on machines of its own would see.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

from bench.measuring import milliseconds, table
from bench.startup import answered, server

CLASSES = (1, 30, 100)
PRESSES = 5
PAUSE = 4.0
"""Seconds between two presses of a learner on average; the same time in which all open their page."""
PATIENCE = 120
SMOLLM2 = "model=HuggingFaceTB/SmolLM2-135M-Instruct"
DONE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)

Move = Callable[[WidgetState, random.Random], None]
"""Gives a control another value."""


def number(last: int) -> Move:
    """A slider from 0 to ``last``."""

    def move(state: WidgetState, dice: random.Random) -> None:
        state.double_array_value.data[:] = [dice.randint(0, last)]

    return move


def sentence(state: WidgetState, dice: random.Random) -> None:
    """Some 16 tokens that nobody else has typed."""
    state.string_value = f"Two captains sold {dice.randint(10, 10**6)} red boats to a young king by the sea."


@dataclass(frozen=True)
class Exercise:
    """What everybody of a class does: the page, its address, the key of the control, and how it is moved."""

    name: str
    page: str
    query: str
    key: str
    move: Move


EXERCISES = (
    Exercise("Multi-head attention (MiniLM): layer", "multi_head", "", "layer", number(5)),
    Exercise("Feed-forward network (SmolLM2): layer", "feed_forward", SMOLLM2, "layer", number(29)),
    Exercise("Attention heatmaps (MiniLM): a new sentence each", "attention_heatmaps", "", "text", sentence),
    Exercise(
        "Attention heatmaps (SmolLM2): a new sentence each", "attention_heatmaps", SMOLLM2, "text", sentence
    ),
)


@dataclass
class Learner:
    """One open page."""

    socket: ClientConnection
    query: str
    page_hash: str = ""
    controls: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By key: the id of a widget, and the fragment that it redraws."""
    known: set[str] = field(default_factory=set)
    """Messages that a browser would have kept."""

    async def run(self, page: str = "", moved: WidgetState | None = None, fragment: str = "") -> float:
        """Seconds until the page, or the fragment, is drawn."""
        message = BackMsg()
        rerun = message.rerun_script
        rerun.query_string, rerun.page_script_hash, rerun.page_name = self.query, self.page_hash, page
        rerun.fragment_id = fragment
        rerun.cached_message_hashes.extend(self.known)
        if moved is not None:
            rerun.widget_states.widgets.append(moved)
        began = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        while not self.took(
            ForwardMsg.FromString(await asyncio.wait_for(self.socket.recv(decode=False), PATIENCE))
        ):
            pass
        return time.perf_counter() - began

    def took(self, message: ForwardMsg) -> bool:
        """Whether this message ends a run."""
        kind = message.WhichOneof("type")
        if message.metadata.cacheable:
            self.known.add(message.hash)
        if kind == "new_session":
            self.page_hash = message.new_session.page_script_hash
        elif kind == "navigation":
            self.page_hash = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            drawn = getattr(element, element.WhichOneof("type"))
            if element.WhichOneof("type") == "exception" or 'class="av-error' in getattr(drawn, "body", ""):
                raise RuntimeError(str(drawn)[:200])
            if identity := getattr(drawn, "id", ""):
                key = identity.split("-", 2)[-1]
                self.controls[key] = (identity, message.delta.fragment_id)
        return kind == "script_finished" and message.script_finished in DONE


async def learner(address: str, exercise: Exercise, number: int, late: float) -> tuple[float, list[float]]:
    """Seconds of the first page and of each press."""
    dice = random.Random(number)
    await asyncio.sleep(late)
    async with connect(address, subprotocols=["streamlit"], max_size=None, compression=None) as socket:
        sits = Learner(socket, exercise.query)
        opened = await sits.run(exercise.page)
        times = []
        for _ in range(PRESSES):
            await asyncio.sleep(PAUSE * (0.5 + dice.random()))
            identity, fragment = sits.controls[exercise.key]
            state = WidgetState(id=identity)
            exercise.move(state, dice)
            times.append(await sits.run(moved=state, fragment=fragment))
        return opened, times


async def sit(address: str, exercise: Exercise, size: int) -> list[str]:
    """A class of this size: a row of the table."""
    began = time.perf_counter()
    learners = (learner(address, exercise, n, PAUSE * n / size) for n in range(size))
    ended = await asyncio.gather(*learners, return_exceptions=True)
    wall = time.perf_counter() - began
    sat = [one for one in ended if not isinstance(one, BaseException)]
    for failure in (one for one in ended if isinstance(one, BaseException)):
        print(repr(failure)[:300])
    presses = sorted(seconds for _, times in sat for seconds in times)
    opened = [seconds for seconds, _ in sat]
    return [
        exercise.name,
        str(size),
        milliseconds(statistics.median(opened)),
        milliseconds(statistics.median(presses)),
        milliseconds(presses[int(0.95 * (len(presses) - 1))]),
        milliseconds(presses[-1]),
        f"{len(presses) / wall:.1f}",
        str(size - len(sat)),
    ]


def main() -> None:
    """Print the table."""
    with server() as (url, began):
        answered(f"{url}/ready", began)
        address = f"{url.replace('http', 'ws')}/_stcore/stream"
        rows = [asyncio.run(sit(address, exercise, size)) for exercise in EXERCISES for size in CLASSES]
    table(
        "A class on one server: from the press until all of the page has been sent",
        ["What each does", "Learners", "Page", "Press", "95 %", "Most", "Presses a second", "Failed"],
        rows,
    )


if __name__ == "__main__":
    main()
