"""An engine that refuses, cuts off and answers half (failure F8): no document is lost, and it is left time to recover."""

from itertools import pairwise

from tests.indexer.faults.houses import FaultHouse, people
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.waiting import until

COUNT = 400
# Everything that a network and a busy cluster do to bulk requests.
WEATHER = ("answer 429", "answer 503", "cut", "cut-after", "half", "crowd")


def weather(share: float) -> list[Fault]:
    return [
        Fault("answer", status=429, share=share),
        Fault("answer", status=503, share=share),
        Fault("cut", share=share),
        Fault("cut-after", share=share),
        Fault("half", share=share),
        Fault("crowd", every=3, share=share),
    ]


def test_429s_and_503s_for_a_while_lose_nothing_and_the_pauses_grow(
    proxied: FaultHouse, proxy: FaultProxy
) -> None:
    proxied.load(people(COUNT))
    proxied.run("publish")
    proxied.load(people(COUNT, "Siv"))
    faults = [Fault("answer", status=429, times=2), Fault("answer", status=503, times=2)]
    with proxied.publisher() as publisher, proxy.faults(*faults):
        until(lambda: all(fault.hits == fault.times for fault in faults))
        proxied.drained()
        assert publisher.running

    refused = [one for one in proxy.seen("_bulk") if one.fault == "answer"]
    after = proxy.seen("_bulk", since=refused[-1].at)[1]
    pauses = [later.at - earlier.at for earlier, later in pairwise([*refused, after])]
    # A pause is never shorter than it was meant to be, however slow the machine is.
    assert min(pauses) > 0.2
    assert pauses[-1] > 2 * pauses[0]
    proxied.equal(COUNT)


def test_an_engine_that_refuses_for_long_keeps_its_queue_and_is_not_stormed(
    proxied: FaultHouse, proxy: FaultProxy
) -> None:
    proxied.load(people(COUNT))
    proxied.run("publish")
    proxied.load(people(COUNT, "Siv"))
    before = len(proxy.seen("_bulk"))
    with proxy.faults(Fault("answer", status=429)):
        told = proxied.run("publish", REGISTRY_SEARCH__OPENSEARCH__INDEXER_RETRIES="2")

    assert (told["practitioners"], told["failed"], told["dead"]) == (0, 0, 0)
    assert told["postponed"] > 0
    assert proxied.waiting() == COUNT
    # What one batch was tried with; the other batches were not sent at all.
    assert len(proxy.seen("_bulk")) - before == 3
    proxied.run("publish")
    proxied.equal(COUNT)


def test_in_bad_weather_every_change_arrives_and_what_was_sent_twice_stands_once(
    proxied: FaultHouse, proxy: FaultProxy
) -> None:
    proxied.load(people(COUNT))
    proxied.run("publish")
    faults = weather(0.08)
    rounds = 0
    with proxied.publisher() as publisher:
        with proxy.faults(*faults):
            while rounds < 3 or not all(fault.hits for fault in faults):
                rounds += 1
                assert rounds < 60
                proxied.load(people(COUNT, f"Liv{'abcdefghij'[rounds % 10]}"))
                proxied.drained()
        assert publisher.running
    assert set(WEATHER) < set(proxy.counts())
    proxied.equal(COUNT)


def test_a_rebuild_in_bad_weather_ends_with_a_whole_index(proxied: FaultHouse, proxy: FaultProxy) -> None:
    proxied.load(people(1500))
    faults = weather(0.05)
    with proxy.faults(*faults):
        rebuilt = proxied.run("rebuild")
    assert rebuilt["documents"] == 1500
    assert sum(fault.hits for fault in faults) > 0
    proxied.run("publish")
    proxied.equal(1500)
