{{ derived([
    'ind_transaction', 'ind_card', 'ind_session', 'ind_app_event', 'ind_interaction', 'ind_contact', 'ind_balance',
]) }}
