"""What happens month by month: money that moves, and people who leave or bring more."""
