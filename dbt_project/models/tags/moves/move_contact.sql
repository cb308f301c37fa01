{{ moves('ind_contact', 'fct_contact', 'contact_date') }}
