"""A request is accepted, begins and ends exactly once; on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from lyra_zoom.contract.queue import ErrorType
from lyra_zoom.database.tables import webhook_delivery
from lyra_zoom.jobs.durable import DurableQueue
from lyra_zoom.jobs.job import LOW, CancelOutcome, Ending, Outcome, Submission, failure
from lyra_zoom.jobs.requests import Requests
from lyra_zoom.jobs.retention import forget_requests

NOW = 1_790_000_000.0
SUBMISSION = Submission(
    key_id="ann",
    endpoint="fal-ai/lyra-2/zoom",
    body=b'{"prompt": "hills"}',
    base_url="http://here",
)
DONE = Ending(outcome=Outcome.SUCCEEDED, status=200, body={"seed": 7}, inference_s=2.5)


def test_an_accepted_request_waits_with_what_was_sent(requests: Requests):
    job = requests.accept(SUBMISSION, NOW)
    found = requests.find(job.request_id, "ann")
    assert found == job
    assert (job.started_at, job.outcome, requests.body(job.request_id)) == (
        None,
        None,
        SUBMISSION.body,
    )


def test_another_key_does_not_find_the_request(requests: Requests):
    job = requests.accept(SUBMISSION, NOW)
    assert requests.find(job.request_id, "bob") is None
    assert requests.cancel(job.request_id, "bob", NOW) is CancelOutcome.NOT_FOUND


def test_the_position_counts_who_goes_first(requests: Requests):
    low = requests.accept(replace(SUBMISSION, priority=LOW), NOW)
    first = requests.accept(SUBMISSION, NOW + 1)
    second = requests.accept(SUBMISSION, NOW + 2)
    assert [requests.position(job) for job in (first, second, low)] == [0, 1, 2]


def test_a_request_is_found_together_with_its_position(requests: Requests):
    first, second = requests.accept(SUBMISSION, NOW), requests.accept(SUBMISSION, NOW + 1)
    assert requests.find_with_position(second.request_id, "ann") == (second, 1)
    assert requests.find_with_position(second.request_id, "bob") is None
    assert requests.begin(second.request_id, NOW + 2)
    both = requests.load_each([first.request_id, second.request_id])
    assert [position for _, position in both.values()] == [0, 0]


def effort(engine: sa.Engine, look: Callable[[], object]) -> int:
    """Thousands of instructions that SQLite carries out meanwhile."""
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
    counted: list[int] = []
    driver.set_progress_handler(lambda: counted.append(1), 1000)
    look()
    driver.set_progress_handler(None, 0)
    assert counted, "the look was over another connection"
    return len(counted)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_watching_a_whole_queue_grows_with_its_length_and_not_faster(
    engine: sa.Engine, requests: Requests
):
    queue = [requests.accept(SUBMISSION, NOW + n).request_id for n in range(200)]
    short = effort(engine, lambda: requests.load_each(queue))
    queue += [requests.accept(SUBMISSION, NOW + n).request_id for n in range(200, 800)]
    assert effort(engine, lambda: requests.load_each(queue)) < 8 * short
    assert requests.load_each(queue)[queue[700]][1] == 700


def test_a_request_that_began_is_ahead_of_nobody(requests: Requests):
    first, second = requests.accept(SUBMISSION, NOW), requests.accept(SUBMISSION, NOW + 1)
    assert requests.begin(first.request_id, NOW + 2)
    assert requests.position(second) == 0
    assert requests.waiting_count() == 1


def test_an_ended_request_keeps_its_answer(requests: Requests):
    job = requests.accept(SUBMISSION, NOW)
    assert requests.end(job.request_id, DONE, NOW + 3)
    ended = requests.load(job.request_id)
    assert ended is not None
    assert (ended.outcome, ended.answer_status, ended.inference_s) == ("succeeded", 200, 2.5)
    assert json.loads(ended.answer or "") == {"seed": 7}


def test_the_photograph_of_an_ended_request_is_not_kept(requests: Requests):
    job = requests.accept(SUBMISSION, NOW)
    requests.end(job.request_id, DONE, NOW)
    assert requests.body(job.request_id) == b""


def test_only_the_first_end_counts(requests: Requests):
    job = requests.accept(SUBMISSION, NOW)
    assert requests.cancel(job.request_id, "ann", NOW) is CancelOutcome.REQUESTED
    assert not requests.end(job.request_id, DONE, NOW)
    assert requests.cancel(job.request_id, "ann", NOW) is CancelOutcome.ALREADY_COMPLETED
    ended = requests.load(job.request_id)
    assert ended is not None
    assert (ended.outcome, ended.answer_status, ended.error_type) == (
        "cancelled",
        499,
        "client_cancelled",
    )


def test_of_many_ends_at_once_one_wins(requests: Requests):
    job = requests.accept(SUBMISSION, NOW)
    wins: list[bool] = []
    ends = [
        threading.Thread(target=lambda: wins.append(requests.end(job.request_id, DONE, NOW)))
        for _ in range(8)
    ]
    for thread in ends:
        thread.start()
    for thread in ends:
        thread.join()
    assert sorted(wins) == [False] * 7 + [True]


def test_an_ended_request_does_not_begin(requests: Requests):
    job = requests.accept(SUBMISSION, NOW)
    requests.cancel(job.request_id, "ann", NOW)
    assert not requests.begin(job.request_id, NOW)


def test_a_request_is_given_up_when_its_workers_keep_dying(requests: Requests):
    job = requests.accept(SUBMISSION, NOW)
    begun = [requests.begin(job.request_id, NOW + run) for run in range(5)]
    assert begun == [True] * 4 + [False]
    ended = requests.load(job.request_id)
    assert ended is not None
    assert (ended.answer_status, ended.error_type) == (503, "runner_disconnected")


def test_a_run_that_was_handed_back_does_not_count(requests: Requests):
    job = requests.accept(replace(SUBMISSION, max_attempts=1), NOW)
    assert requests.begin(job.request_id, NOW)
    requests.hand_back(job.request_id)
    assert requests.begin(job.request_id, NOW)


def test_who_waited_too_long_is_told_so(requests: Requests):
    patient = requests.accept(SUBMISSION, NOW)
    hasty = requests.accept(replace(SUBMISSION, start_timeout_s=5), NOW)
    assert requests.expire_unstarted(NOW + 4.9) == ()
    assert requests.expire_unstarted(NOW + 5.1) == (hasty.request_id,)
    ended = requests.load(hasty.request_id)
    assert ended is not None
    assert (ended.answer_status, ended.error_type) == (504, "request_timeout")
    assert not requests.is_over(patient.request_id)


def test_a_worker_does_not_begin_what_waited_too_long(requests: Requests):
    job = requests.accept(replace(SUBMISSION, start_timeout_s=5), NOW)
    assert not requests.begin(job.request_id, NOW + 6)
    assert requests.is_over(job.request_id)


def test_what_the_queue_gave_up_before_it_began_is_ended(requests: Requests, engine: sa.Engine):
    lost, fine = requests.accept(SUBMISSION, NOW), requests.accept(SUBMISSION, NOW)
    schema = "" if engine.dialect.name == "sqlite" else "dbos."
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                f"UPDATE {schema}workflow_status SET status = 'ERROR' WHERE workflow_uuid = :id"
            ),
            {"id": lost.request_id},
        )
    assert requests.fail_lost(NOW) == (lost.request_id,)
    assert not requests.is_over(fine.request_id)
    ended = requests.load(lost.request_id)
    assert ended is not None
    assert (ended.answer_status, ended.error_type) == (500, "internal_error")


def test_the_start_deadline_ends_with_the_start(requests: Requests):
    job = requests.accept(replace(SUBMISSION, start_timeout_s=5), NOW)
    assert requests.begin(job.request_id, NOW + 4)
    assert requests.begin(job.request_id, NOW + 60), "a second run after its worker died"
    assert requests.expire_unstarted(NOW + 60) == ()


def test_what_begins_just_in_time_is_not_ended_for_being_late(
    requests: Requests, engine: sa.Engine
):
    job = requests.accept(replace(SUBMISSION, start_timeout_s=5), NOW)
    transactions: list[sa.Connection] = []

    @sa.event.listens_for(engine, "begin")
    def begin_the_request_meanwhile(connection: sa.Connection) -> None:
        transactions.append(connection)
        if len(transactions) == 2:  # the first looked for who is late, the second ends them
            assert requests.begin(job.request_id, NOW + 4.9)

    assert requests.expire_unstarted(NOW + 5.1) == ()
    assert len(transactions) > 2
    assert not requests.is_over(job.request_id)


def test_an_error_of_the_database_tells_no_secrets(engine: sa.Engine, requests: Requests):
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE request_input"))
    with pytest.raises(sa.exc.DBAPIError) as caught:
        requests.accept(SUBMISSION, NOW)
    assert "hills" not in str(caught.value), "the prompt"


def test_the_same_idempotency_key_is_the_same_request(requests: Requests):
    submission = replace(SUBMISSION, idempotency_key="once")
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda: ids.append(requests.accept(submission, NOW).request_id))
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 10
    assert len(set(ids)) == 1


def test_idempotency_keys_of_two_callers_do_not_meet(requests: Requests):
    ann = requests.accept(replace(SUBMISSION, idempotency_key="once"), NOW)
    bob = requests.accept(replace(SUBMISSION, idempotency_key="once", key_id="bob"), NOW)
    assert ann.request_id != bob.request_id


def test_the_end_of_a_request_leaves_a_webhook_to_deliver(
    requests: Requests, engine: sa.Engine
):
    job = requests.accept(replace(SUBMISSION, webhook_url="https://there/hook"), NOW)
    requests.end(job.request_id, DONE, NOW)
    with engine.connect() as connection:
        delivery = connection.execute(sa.select(webhook_delivery)).one()
    assert (delivery.request_id, delivery.url) == (job.request_id, "https://there/hook")
    assert json.loads(delivery.body) == {
        "request_id": job.request_id,
        "gateway_request_id": job.request_id,
        "status": "OK",
        "payload": {"seed": 7},
    }


def test_a_failure_says_its_type_and_status(requests: Requests):
    job = requests.accept(SUBMISSION, NOW)
    requests.end(job.request_id, failure(ErrorType.GENERATION_TIMEOUT, "too slow"), NOW)
    ended = requests.load(job.request_id)
    assert ended is not None
    assert (ended.outcome, ended.answer_status, ended.error) == ("failed", 504, "too slow")


def test_old_requests_are_forgotten(requests: Requests, engine: sa.Engine, queue: DurableQueue):
    old, young = requests.accept(SUBMISSION, NOW), requests.accept(SUBMISSION, NOW)
    requests.end(old.request_id, DONE, NOW)
    requests.end(young.request_id, DONE, NOW + 100)
    assert forget_requests(engine, queue, ended_before=NOW + 50) == 1
    assert requests.load(old.request_id) is None
    assert requests.load(young.request_id) is not None


def test_nothing_is_kept_of_a_request_that_was_forgotten(
    requests: Requests, engine: sa.Engine, queue: DurableQueue
):
    job = requests.accept(replace(SUBMISSION, webhook_url="https://there/hook"), NOW)
    requests.end(job.request_id, DONE, NOW)
    with engine.begin() as connection:
        connection.execute(sa.update(webhook_delivery).values(delivered_at=NOW, attempts=1))
    forget_requests(engine, queue, ended_before=NOW + 50)
    with engine.connect() as connection:
        schema = "" if engine.dialect.name == "sqlite" else "dbos."
        kept = connection.execute(sa.text(f"SELECT count(*) FROM {schema}workflow_status"))
        assert kept.scalar() == 0


def test_a_request_is_kept_while_its_webhook_is_tried(
    requests: Requests, engine: sa.Engine, queue: DurableQueue
):
    job = requests.accept(replace(SUBMISSION, webhook_url="https://there/hook"), NOW)
    requests.end(job.request_id, DONE, NOW)
    assert forget_requests(engine, queue, ended_before=NOW + 50) == 0


def test_a_request_without_its_queue_entry_is_not_kept(engine: sa.Engine):
    requests = Requests(engine, DurableQueue(engine))  # the queue engine has no tables yet
    with pytest.raises(sa.exc.DBAPIError):
        requests.accept(SUBMISSION, NOW)
    assert requests.waiting_count() == 0
