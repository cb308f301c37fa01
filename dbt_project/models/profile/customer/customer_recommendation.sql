-- What the champion recommends, for who talks to the customer and for who asks later why something was not offered.
with offer as (
    select
        customer_id,
        jsonb_agg(
            jsonb_build_object('rank', rank, 'product_id', offer, 'score', score, 'reasons', reasons) order by rank
        ) as offers
    from {{ source('scores', 'customer_offer') }}
    where
        build_id = {{ build_id() }}
        and as_of_date = {{ business_date() }}
        and model = 'recommend'
        and is_champion
        and rank is not null
    group by customer_id
),

exclusion as (
    select
        customer_id,
        excluded
    from {{ source('scores', 'customer_exclusion') }}
    where
        build_id = {{ build_id() }}
        and as_of_date = {{ business_date() }}
        and model = 'recommend'
        and is_champion
)

select
    customer_id,
    coalesce(offer.offers, '[]'::jsonb) as offers,
    coalesce(exclusion.excluded, '{}'::jsonb) as excluded,
    {{ build_columns() }}
from offer
full join exclusion using (customer_id) -- noqa: ST07
