{{ moves('ind_repayment', 'fct_repayment', 'due_date') }}
