with merchant as (
    select
        lpad(series.code::text, 4, '0') as merchant_category_code,
        seed.merchant_group
    from {{ ref('merchant_group') }} as seed
    cross join lateral generate_series(seed.first_code::integer, seed.last_code::integer) as series (code)
)

select
    payment.card_transaction_id,
    payment.card_id,
    card.customer_id,
    payment.transaction_date,
    payment.amount,
    payment.merchant_category_code,
    coalesce(merchant.merchant_group, 'other') as merchant_group,
    payment.is_online,
    payment.is_abroad,
    {{ build_columns() }}
from {{ ref('stg_card__card_transaction') }} as payment
inner join {{ current('int_card') }} as card on payment.card_id = card.card_id
left join merchant on payment.merchant_category_code = merchant.merchant_category_code
where payment.business_date = {{ business_date() }}
