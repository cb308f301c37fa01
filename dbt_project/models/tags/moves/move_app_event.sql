{{ moves('ind_app_event', 'fct_app_event', 'event_date') }}
