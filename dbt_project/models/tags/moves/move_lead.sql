{{ moves('ind_lead', 'fct_lead', 'lead_date') }}
