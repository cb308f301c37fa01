{{ indicators('fct_wealth_order', 'ordered_date', delivered_by='wealth.wealth_order') }}
