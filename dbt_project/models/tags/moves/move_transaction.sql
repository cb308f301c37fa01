{{ moves('ind_transaction', 'fct_transaction', 'transaction_date') }}
