"""Reading a data file: records as columns of text, typed, checked against the contract."""
