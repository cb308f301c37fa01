{{ moves('ind_flow', 'fct_balance_daily', 'balance_date') }}
