{{ indicators('fct_card_transaction', 'transaction_date', delivered_by='card.card_transaction') }}
