{{ indicators('fct_interaction', 'interaction_date') }}
