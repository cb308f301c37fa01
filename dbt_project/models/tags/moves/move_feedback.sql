{{ moves('ind_feedback', 'fct_feedback', 'feedback_date') }}
