-- Bands of the champions' scores of the same date: tags that stand behind scores, in the profile.
with churn as (
    select
        customer_id,
        score,
        band
    from {{ source('scores', 'customer_score') }}
    where
        build_id = {{ build_id() }}
        and as_of_date = {{ business_date() }}
        and model = 'churn'
        and is_champion
),

person as (
    select
        value.customer_id,
        value.aum_tier,
        balance.aum_amount,
        churn.score,
        churn.band,
        avg(churn.score) over (partition by value.aum_tier) as tier_score
    from {{ current('tag_value') }} as value
    inner join {{ current('ind_balance') }} as balance on value.customer_id = balance.customer_id
    left join churn on value.customer_id = churn.customer_id
    where balance.as_of_date = {{ business_date() }}
)

select
    customer_id,
    coalesce(band, 'unscored') as churn_risk,
    case
        when score is not null
            then ntile(10) over (partition by score is null order by score, customer_id)::smallint
    end as churn_decile,
    case
        when score is null then 'unscored'
        when score <= 0.5 * tier_score then 'below'
        when score < 1.5 * tier_score then 'usual'
        else 'above'
    end as churn_among_tier,
    case
        when score is null then 'unscored'
        when score * aum_amount < 1000 then 'small'
        when score * aum_amount < 10000 then 'middle'
        else 'large'
    end as churn_loss,
    case
        when score is null then 'unscored'
        when band = 'high' and aum_tier in ('gold', 'platinum') then 'first'
        when band in ('high', 'medium') and aum_tier in ('silver', 'gold', 'platinum') then 'second'
        when band in ('high', 'medium') then 'third'
        else 'none'
    end as retention_priority,
    {{ build_columns() }}
from person
