"""Work in steps: one after the other, each looked at first, safe to repeat; one at a time on one thing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.app import Bot
from bot.policy import Risk
from commands.status import overview
from sandbox.slack import Message
from tests.operations.shelf import BOOKS, Filling, Shelf, StepAgainError, StepFailedError, catalog
from tests.support.harness import QUICK, Running, running, until


@asynccontextmanager
async def shelved(state: Path, shelf: Shelf) -> AsyncIterator[Running]:
    async with running(state, catalog=catalog(), kinds=[Filling(shelf)], machines=2) as world:
        yield world


async def begun(world: Running) -> Message:
    plan = await world.talk.ask("shelf fill")
    await world.talk.click(plan, "operation.confirm")
    return plan


async def test_steps_run_in_order_and_what_is_so_is_left_alone(tmp_path: Path) -> None:
    shelf = Shelf(books=["bible"])
    async with shelved(tmp_path, shelf) as world:
        plan = await world.talk.ask("shelf fill")
        said = world.talk.read(plan)
        assert "Fill the shelf?" in said
        assert "The atlas : missing" in " ".join(said.split())
        assert "What happens" not in said
        await world.talk.click(plan, "operation.confirm")
        said = await world.talk.reads(plan, "Filled the shelf", "all 3 steps done", "The atlas: on the shelf")
        assert shelf.puts == ["atlas", "comics"]
        assert "It was so already" in said
        farewell = (await until(lambda: world.talk.replies(plan)))[-1]
        assert "Filling the shelf ended" in world.talk.read(farewell)
        operation = (await world.bot.operations.recent())[0]
        assert (await world.bot.operations.usual_duration("shelf-fill", "default")) is not None
        assert operation.outcome == "all 3 steps done"


async def test_a_failure_leaves_the_rest_unbegun_and_retry_goes_on_from_there(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.trouble["bible"] = lambda: StepFailedError("The bible is too heavy.", "Get help.", script="lift", tail="ouch")
    async with shelved(tmp_path, shelf) as world:
        root = await begun(world)
        said = await world.talk.reads(root, "Filling the shelf failed", "1 of 3 steps done, 1 not begun")
        assert "The bible failed" in said
        assert "The bible did not end well" in said
        reply = world.talk.read((await until(lambda: world.talk.replies(root)))[0])
        assert "The bible is too heavy. Get help." in reply
        assert "ouch" in reply
        assert "/maas machine" not in reply
        del shelf.trouble["bible"]
        operation = (await world.bot.operations.recent())[0]
        again = await world.talk.ask(f"retry {operation.id}")
        await world.talk.click(again, "operation.confirm")
        await world.talk.reads(again, "Filled the shelf", "all 3 steps done")
        assert shelf.puts == ["atlas", "bible", "bible", "comics"]
        assert "all of it ended well" in world.talk.read(await world.talk.ask(f"retry {await newest(world)}"))


async def newest(world: Running) -> str:
    return (await world.bot.operations.recent())[0].id


async def test_what_goes_away_is_waited_for_and_looked_at_again(tmp_path: Path) -> None:
    shelf = Shelf()
    times = iter([StepAgainError("The stairs are blocked."), StepAgainError("The stairs are blocked.")])
    shelf.trouble["atlas"] = lambda: next(times, None)
    async with shelved(tmp_path, shelf) as world:
        root = await begun(world)
        await world.talk.reads(root, "Filled the shelf")
        assert shelf.puts.count("atlas") == 3


async def test_what_stays_away_is_given_up_in_words(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.trouble["atlas"] = lambda: StepAgainError("The stairs are blocked.")
    async with shelved(tmp_path, shelf) as world:
        root = await begun(world)
        await world.talk.reads(root, "failed", "The stairs are blocked. I waited 30 s for it. Retry when it is back")


async def test_a_defect_of_ours_is_said_and_ends_it(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.trouble["atlas"] = lambda: ZeroDivisionError("secret-ish")
    async with shelved(tmp_path, shelf) as world:
        root = await begun(world)
        said = await world.talk.reads(root, "failed", "The bot itself failed (ZeroDivisionError)")
        assert "secret-ish" not in said


async def test_cancel_ends_a_wait_that_may_end_and_begins_nothing_more(tmp_path: Path) -> None:
    shelf = Shelf(slow={"bible"})
    async with shelved(tmp_path, shelf) as world:
        root = await begun(world)
        await until(lambda: "bible" in shelf.puts)
        await world.talk.click(root, "operation.cancel")
        said = await world.talk.reads(root, "was cancelled", "Not begun: The comics")
        assert "Stopped: The bible" in said
        assert shelf.puts == ["atlas", "bible"]


async def test_cancel_waits_for_a_step_that_may_not_be_left(tmp_path: Path) -> None:
    shelf = Shelf(slow={"atlas"})
    async with shelved(tmp_path, shelf) as world:
        root = await begun(world)
        await until(lambda: "atlas" in shelf.puts)
        await world.talk.click(root, "operation.cancel")
        await asyncio.sleep(0.3)
        assert "was cancelled" not in world.talk.read(root)
        shelf.books.append("atlas")
        await world.talk.reads(root, "was cancelled", "The atlas: on the shelf", "Not begun: The bible, The comics")


async def test_one_at_a_time_on_one_thing(tmp_path: Path) -> None:
    shelf = Shelf(slow={"atlas"})
    async with shelved(tmp_path, shelf) as world:
        first = await world.talk.ask("shelf fill")
        second = await world.talk.ask("shelf fill")
        await world.talk.click(first, "operation.confirm")
        await until(lambda: "atlas" in shelf.puts)
        await world.talk.click(second, "operation.confirm")
        holder = (await world.bot.operations.recent())[1].id
        refusal = f"the shelf: {holder} (Fill the shelf, asked by"
        await until(lambda: any(refusal in one.text for one in world.talk.workspace.messages("C0OPS", "U0OLGA")))
        third = world.talk.read(await world.talk.ask("shelf fill"))
        assert f"Not now: the shelf: {holder}" in third
        queued = await world.talk.ask("shelf fill --queue")
        await world.talk.click(queued, "operation.confirm")
        shelf.books.append("atlas")
        await world.talk.reads(first, "Filled the shelf")
        # Its turn comes when everything is there: the world has moved on, so its plan is shown anew.
        await world.talk.reads(queued, "Fill the shelf?", "there")


async def test_what_can_not_be_undone_asks_for_its_own_word(tmp_path: Path) -> None:
    async with shelved(tmp_path, Shelf(risk=Risk.IRREVERSIBLE)) as world:
        plan = await world.talk.ask("shelf fill")
        assert "Ask for approval" in str(world.talk.now(plan).blocks)
        await world.talk.click(plan, "ask.approval")
        view = await until(lambda: world.world.workspace.views("U0OLGA"))
        assert "shelf" in str(view)


async def test_the_bot_dies_in_the_middle_and_nothing_is_put_twice(tmp_path: Path) -> None:
    shelf = Shelf(slow={"bible"})
    async with shelved(tmp_path, shelf) as world:
        root = await begun(world)
        await until(lambda: "bible" in shelf.puts)
        await world.bot.stop()
        shelf.books.append("bible")
        world.bot = Bot(world.world.settings(), catalog(), overview, pace=QUICK, kinds=[Filling(shelf)])
        await world.bot.start()
        try:
            await world.talk.reads(root, "Filled the shelf", "all 3 steps done")
            assert shelf.puts == list(BOOKS)
        finally:
            await world.bot.stop()
