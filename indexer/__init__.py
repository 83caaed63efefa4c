"""The pipeline: from an authority's feed to SQL truth, and from SQL truth to the search index."""
