{{ indicators('fct_contact', 'contact_date', delivered_by='campaign.contact') }}
