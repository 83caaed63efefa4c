"""Normalizing: from a record as received to facts in our words. Pure: the same record always gives the same facts."""

from indexer.feeds.descriptor import FeedDescriptor
from indexer.feeds.options import HospOptions, SocrataOptions
from indexer.normalize.errors import BadRecordError
from indexer.normalize.fhir import FhirNormalizer
from indexer.normalize.hosp import HospNormalizer
from indexer.normalize.socrata import SocrataNormalizer
from registry.errors import SettingsError
from registry.records.facts import PersonFacts
from registry.vocabulary import Vocabulary

__all__ = ["BadRecordError", "Normalizer"]


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
        if isinstance(options, HospOptions):
            self._facts = HospNormalizer(options, vocabulary).facts
        elif isinstance(options, SocrataOptions):
            self._facts = SocrataNormalizer(options, vocabulary).facts
        else:
            self._facts = FhirNormalizer(options, vocabulary).facts

    def facts(self, payload: bytes) -> PersonFacts:
        """Return what a record's payload says.

        Raises:
            BadRecordError: the record can't be read; the row belongs in quarantine.
        """
        return self._facts(payload)
