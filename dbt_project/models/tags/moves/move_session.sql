{{ moves('ind_session', 'fct_session', 'session_date', days_off=true) }}
