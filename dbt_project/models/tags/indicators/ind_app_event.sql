{{ indicators('fct_app_event', 'event_date', delivered_by='mobile.event') }}
