{{ indicators('fct_transaction', 'transaction_date') }}
