{{ indicators('fct_survey', 'survey_date', delivered_by='contact_centre.survey') }}
