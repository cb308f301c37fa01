{{ indicators('fct_opportunity', 'opportunity_date', delivered_by='campaign.opportunity') }}
