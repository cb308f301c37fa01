{{ moves('ind_survey', 'fct_survey', 'survey_date') }}
