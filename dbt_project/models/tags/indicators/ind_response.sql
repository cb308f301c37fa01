{{ indicators('fct_response', 'response_date', delivered_by='campaign.response') }}
