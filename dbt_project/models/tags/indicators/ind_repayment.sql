{{ indicators('fct_repayment', 'due_date', delivered_by='loan.repayment') }}
