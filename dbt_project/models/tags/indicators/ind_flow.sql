{{ indicators('fct_balance_daily', 'balance_date', delivered_by='core_banking.balance') }}
