"""Other banks' contacts: files of any shape, judged as the platform judges its own."""
