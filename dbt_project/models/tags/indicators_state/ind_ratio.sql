{{ derived([
    'ind_transaction', 'ind_card', 'ind_session', 'ind_app_event', 'ind_wealth', 'ind_repayment', 'ind_interaction', 'ind_feedback',
    'ind_survey', 'ind_contact', 'ind_response', 'ind_lead', 'ind_opportunity', 'ind_sale', 'ind_flow', 'ind_balance',
]) }}
