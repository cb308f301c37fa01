{{ moves('ind_opportunity', 'fct_opportunity', 'opportunity_date') }}
