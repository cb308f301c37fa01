{{ moves('ind_session', 'fct_session', 'session_date') }}
