"""What there is: places, products, people, accounts, staff."""
