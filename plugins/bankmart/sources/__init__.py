"""From a bank's extracts to raw tables: contract, landing files, load, quarantine."""
