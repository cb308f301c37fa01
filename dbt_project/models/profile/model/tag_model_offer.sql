-- Of the champions' scores of the same date: who answers, whom a contact changes, which product is next.
with scored as (
    select
        customer_id,
        model,
        score,
        band
    from {{ source('scores', 'customer_score') }}
    where
        build_id = {{ build_id() }}
        and as_of_date = {{ business_date() }}
        and model in ('response', 'uplift')
        and is_champion
),

-- Of every offer that the uplift model knows: is there one that raises the chance at all?
effect as (
    select
        customer_id,
        max(score) as best_effect
    from {{ source('scores', 'customer_offer') }}
    where
        build_id = {{ build_id() }}
        and as_of_date = {{ business_date() }}
        and model = 'uplift'
        and is_champion
    group by customer_id
),

recommended as (
    select
        offer.customer_id,
        offer.rank,
        offer.score,
        offer.excluded,
        product.product_line
    from {{ source('scores', 'customer_offer') }} as offer
    left join {{ current('dim_product') }} as product on offer.offer = product.product_id
    where
        offer.build_id = {{ build_id() }}
        and offer.as_of_date = {{ business_date() }}
        and offer.model = 'recommend'
        and offer.is_champion
),

next_offer as (
    select
        customer_id,
        max(product_line) filter (where rank = 1) as product_line,
        (array_agg(excluded order by score desc))[1] as barrier
    from recommended
    group by customer_id
),

person as (
    select
        value.customer_id,
        response.score as response_score,
        response.band as response_band,
        uplift.band as uplift_band,
        effect.best_effect,
        next_offer.customer_id is not null as is_recommended,
        next_offer.product_line,
        next_offer.barrier
    from {{ current('tag_value') }} as value
    left join scored as response on value.customer_id = response.customer_id and response.model = 'response'
    left join scored as uplift on value.customer_id = uplift.customer_id and uplift.model = 'uplift'
    left join effect on value.customer_id = effect.customer_id
    left join next_offer on value.customer_id = next_offer.customer_id
)

select
    customer_id,
    coalesce(response_band, 'unscored') as response_propensity,
    case
        when response_score is not null
            then ntile(10) over (
                partition by response_score is null order by response_score, customer_id
            )::smallint
    end as response_decile,
    case
        when best_effect is null then 'unscored'
        when best_effect <= 0 then 'leave_alone'
        when uplift_band in ('high', 'medium') then 'persuadable'
        else 'indifferent'
    end as contact_effect,
    case when is_recommended then coalesce(product_line, 'none') else 'unscored' end as next_product_line,
    case when is_recommended then coalesce(barrier, 'none') else 'unscored' end as offer_barrier,
    {{ build_columns() }}
from person
