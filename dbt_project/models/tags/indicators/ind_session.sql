{{ indicators('fct_session', 'session_date') }}
