{{ indicators('fct_feedback', 'feedback_date', delivered_by='contact_centre.feedback') }}
