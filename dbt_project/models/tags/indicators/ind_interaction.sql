{{ indicators('fct_interaction', 'interaction_date', delivered_by='contact_centre.call') }}
