{{ moves('ind_interaction', 'fct_interaction', 'interaction_date') }}
