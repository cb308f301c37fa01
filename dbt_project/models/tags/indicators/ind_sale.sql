{{ indicators('fct_order', 'order_date', delivered_by='campaign.order') }}
