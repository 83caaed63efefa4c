"""The indices of a cluster: made, finished, compared with the mapping, put in use, dropped."""

import math
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog

from registry.errors import SearchUnavailableError, SwapError
from registry.search.mapping import (
    Difference,
    Mapping,
    index_age,
    is_index_name,
    load_index_settings,
    load_mapping,
)
from registry.search.opensearch_client import open_client, our_errors
from registry.search.port import Fit
from registry.settings import Search

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

_log = structlog.get_logger(__name__)
_NOT_FOUND = 404
_MOST_SHARDS = 1024  # what a cluster takes
_EXPAND = {"ignore_unavailable": "true", "allow_no_indices": "true"}


class OpenSearchIndices:
    """The indices of one registry on a cluster, and the alias that names the one in use."""

    def __init__(self, limits: Search, *, indexer: bool, mapping: Mapping | None) -> None:
        self._settings = limits.opensearch
        self._indexer = indexer
        self._mapping = mapping or load_mapping()
        self._index_settings = load_index_settings()["index"]
        self._alias = self._mapping.alias(self._settings.prefix)

    @cached_property
    def _client(self) -> "OpenSearch":
        return open_client(self._settings, indexer=self._indexer)

    def create_index(self, expected: int = 0) -> str:
        """Make a new index without replicas and refresh; see `finish_index`."""
        name = self._mapping.index_name(self._settings.prefix, datetime.now(UTC))
        shards = self._settings.shards or math.ceil(expected / self._settings.documents_per_shard)
        index = {
            **self._index_settings,
            "number_of_shards": max(1, min(shards, _MOST_SHARDS)),
            # What the nodes copy later as whole files they need not index a second time now.
            "number_of_replicas": 0,
            "auto_expand_replicas": "false",
            "refresh_interval": "-1",
        }
        with our_errors("create index"):
            self._client.indices.create(
                index=name, body={"settings": {"index": index}, "mappings": self._mapping.new}
            )
        return name

    def finish_index(self, index: str) -> None:
        """Give the index its replicas and refresh interval, and show everything."""
        copies: dict[str, Any] = {"number_of_replicas": self._settings.replicas}
        if self._settings.auto_expand_replicas:
            copies = {"auto_expand_replicas": self._settings.auto_expand_replicas}
        settings = {**copies, "refresh_interval": self._index_settings.get("refresh_interval", "1s")}
        with our_errors("finish index"):
            self._client.indices.put_settings(index=index, body={"index": settings})
            self._client.indices.refresh(index=index)
        told = self._difference(index)
        if told and told.fit == "fewer" and not told.lacking:
            with our_errors("finish index"):
                self._client.indices.put_mapping(index=index, body={"_meta": self._mapping.meta})
        self._wait_for_replicas(index)

    def _wait_for_replicas(self, index: str) -> None:
        """Wait until the copies that find a node are filled: until then the loss of one node loses the index."""
        wait_s = self._settings.replicas_wait_s
        if not wait_s or not (self._settings.replicas or self._settings.auto_expand_replicas):
            return
        params = {
            # Only then has the cluster begun to place the copies; before, none initializes either.
            "wait_for_events": "languid",
            "wait_for_no_initializing_shards": "true",
            "timeout": f"{wait_s:.0f}s",
        }
        # The wait is the cluster's own; ours must be longer, and a second try would begin anew.
        patience = {"request_timeout": wait_s + self._settings.indexer_timeout_s}
        with our_errors("wait for replicas"):
            told = self._client.cluster.health(index=index, params={**params, **patience})
        if told["timed_out"] or told["unassigned_shards"]:
            _log.warning(
                "the new index has not all its copies",
                index=index,
                initializing=told["initializing_shards"],
                unassigned=told["unassigned_shards"],
            )

    def fit(self, index: str) -> Fit:
        """Tell how an index fits, by the mapping that the cluster has of it."""
        told = self._difference(index)
        return told.fit if told else "other"

    def add_fields(self, index: str) -> None:
        """Add what the index lacks to its mapping. What it says of itself stays until `finish_index`."""
        told = self._difference(index)
        if told is None or told.fit != "fewer":
            why = "no such index" if told is None else told.explained
            raise ValueError(f"{index} can't be given the fields it lacks ({why}); run `indexer rebuild`.")
        fields = {name: self._mapping.body["properties"][name] for name in told.lacking}
        if fields:
            with our_errors("add fields"):
                self._client.indices.put_mapping(index=index, body={"properties": fields})

    def _difference(self, index: str) -> Difference | None:
        """Compare an index with the mapping, None if there is no such index."""
        if not is_index_name(index, self._alias):
            return None
        with our_errors("read mapping"):
            told = self._client.indices.get_mapping(index=index, params={"ignore": _NOT_FOUND})
        return self._mapping.difference(told[index]["mappings"]) if index in told else None

    def swap(self, index: str, *, replacing: str | None) -> None:
        """Move the alias in one call, whatever held its name."""
        if self.fit(index) != "same":
            raise ValueError(f"{index} can't be put in use: there is no such index, or its fields differ.")
        current = self.current_index()
        if current != replacing:
            raise self._refused(index, replacing, current)
        if current == index:
            return
        try:
            with our_errors("swap"):
                self._client.indices.update_aliases(body={"actions": self._swapping(index, replacing)})
        except SearchUnavailableError as error:
            current = self.current_index()
            if current == index:
                return  # done, but the answer was lost, and a second try found it done
            if current == replacing:
                raise
            raise self._refused(index, replacing, current) from error

    def _refused(self, index: str, replacing: str | None, current: str | None) -> SwapError:
        return SwapError(
            f"{current or 'No index'} is in use, not {replacing or 'none'}; {index} was not put in use."
        )

    def _swapping(self, index: str, replacing: str | None) -> list[dict[str, Any]]:
        """Return the steps of a swap, which the cluster takes all or none of.

        The cluster itself refuses if the one to replace is not in use; and if there should be none but another is:
        an alias can't have two write indices.
        """
        actions: list[dict[str, Any]] = []
        if self._alias in self._client.indices.get(index=self._alias, params=_EXPAND):
            # Something wrote to the name before there was an alias, and an index of that name was made.
            actions.append({"remove_index": {"index": self._alias}})
        if replacing is not None:
            actions.append({"remove": {"index": replacing, "alias": self._alias, "must_exist": True}})
        # Only a hand can have given the alias to others as well; over two indices it finds everyone twice.
        others = [left for left in self._held() if left != replacing and not self._is_rival(left, replacing)]
        actions += [{"remove": {"index": left, "alias": self._alias}} for left in others]
        actions.append({"add": {"index": index, "alias": self._alias, "is_write_index": True}})
        return actions

    def _is_rival(self, held: str, replacing: str | None) -> bool:
        """Tell whether an index was put in use since we found none: the cluster is to refuse then."""
        return replacing is None and is_index_name(held, self._alias)

    def current_index(self) -> str | None:
        """Return the index that the alias names."""
        with our_errors("current index"):
            held = self._held()
        names = sorted((name for name in held if is_index_name(name, self._alias)), key=index_age)
        return names[-1] if names else None

    def _held(self) -> list[str]:
        """Return whatever the alias names."""
        # Asked by that name, not among all indices: a user who may see ours only would be refused the latter.
        held = self._client.indices.get_alias(
            index=self._alias, name=self._alias, params={"ignore": _NOT_FOUND}
        )
        # A 404 is answered with two words about it in place of indices.
        return [] if held.get("status") == _NOT_FOUND else list(held)

    def indices(self) -> list[str]:
        """Return all indices, oldest first."""
        with our_errors("list indices"):
            found = self._client.indices.get(index=f"{self._alias}-*", params=_EXPAND)
        return sorted((name for name in found if is_index_name(name, self._alias)), key=index_age)

    def drop(self, index: str) -> None:
        """Delete an index that is not in use."""
        if not is_index_name(index, self._alias):
            raise ValueError(f"{index} is no index of this registry.")
        if index == self.current_index():
            raise ValueError(f"{index} is in use; put another index in use first.")
        with our_errors("drop"):
            self._client.indices.delete(index=index, params={"ignore": _NOT_FOUND})
