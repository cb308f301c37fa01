"""What is said between the bank and its customers: app, calls, surveys, consent, visits, campaigns."""
