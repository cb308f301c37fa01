{{ moves('ind_transaction', 'fct_transaction', 'transaction_date', days_off=true) }}
