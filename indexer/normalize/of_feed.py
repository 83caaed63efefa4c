"""The normalizer that a feed's file asks for."""

from indexer.feeds.descriptor import FeedDescriptor
from indexer.feeds.formats import FORMATS
from registry.errors import SettingsError
from registry.records.facts import PersonFacts
from registry.vocabulary import Vocabulary


class Normalizer:
    """The normalizer of one feed.

    Raises:
        SettingsError: the feed names a vocabulary that no file in `config/vocabulary` holds.
    """

    def __init__(self, feed: FeedDescriptor, vocabulary: Vocabulary) -> None:
        options = feed.options
        if options.vocabulary not in vocabulary.systems:
            raise SettingsError(
                f'The feed {feed.id} has options.vocabulary = "{options.vocabulary}", which no file in '
                f"config/vocabulary has as its system. There are: {', '.join(sorted(vocabulary.systems))}."
            )
        self._facts = FORMATS[feed.format].normalizer(options, vocabulary).facts

    def facts(self, payload: bytes) -> PersonFacts:
        """Return what a record's payload says.

        Raises:
            BadRecordError: the record can't be read; the row belongs in quarantine.
        """
        return self._facts(payload)
