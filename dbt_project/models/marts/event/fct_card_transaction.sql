with card as (
    select distinct on (card_id)
        card_id,
        customer_id
    from {{ ref('stg_card__card') }}
    where business_date <= {{ business_date() }}
    order by card_id, effective_date desc, business_date desc
)

select
    payment.card_transaction_id,
    payment.card_id,
    card.customer_id,
    payment.transaction_date,
    payment.amount,
    payment.merchant_category_code,
    payment.is_online,
    payment.is_abroad,
    {{ build_columns() }}
from {{ ref('stg_card__card_transaction') }} as payment
inner join card on payment.card_id = card.card_id
where payment.business_date = {{ business_date() }}
