{{ indicators('fct_card_transaction', 'transaction_date') }}
