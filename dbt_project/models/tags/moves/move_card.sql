{{ moves('ind_card', 'fct_card_transaction', 'transaction_date', days_off=true) }}
