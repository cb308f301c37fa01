"""The library behind Bankmart's DAGs: sources, governance and the runtime of one checkout."""
