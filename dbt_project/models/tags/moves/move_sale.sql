{{ moves('ind_sale', 'fct_order', 'order_date') }}
