{{ indicators('fct_lead', 'lead_date', delivered_by='campaign.lead') }}
