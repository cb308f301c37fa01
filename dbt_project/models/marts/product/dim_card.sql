select
    card.card_id,
    card.account_id,
    coalesce(link.linked_customer_id, card.customer_id) as customer_id,
    card.card_type,
    card.card_level,
    card.issued_date,
    card.credit_limit_amount,
    card.status,
    {{ build_columns() }}
from {{ current('int_card') }} as card
left join {{ current('bridge_identity') }} as link on card.customer_id = link.customer_id
