{{ moves('ind_wealth', 'fct_wealth_order', 'ordered_date') }}
