{{ indicators('fct_session', 'session_date', delivered_by='mobile.session') }}
