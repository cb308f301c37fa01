{{ indicators('fct_transaction', 'transaction_date', delivered_by='core_banking.transaction') }}
