"""What the bank owes the people it knows: no data past their time, to be forgotten, and to be told what it holds."""
