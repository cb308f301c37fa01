{{ moves('ind_response', 'fct_response', 'response_date') }}
