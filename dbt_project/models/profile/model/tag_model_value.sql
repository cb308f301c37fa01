-- Of the champions' scores of the same date: what a customer will be worth, which group, what stands out.
with scored as (
    select
        customer_id,
        max(band) filter (where model = 'value_up') as growth_band,
        max(band) filter (where model = 'clv') as value_band,
        max(score) filter (where model = 'clv') as value_amount,
        max(band) filter (where model = 'segment') as group_key,
        max(band) filter (where model = 'anomaly') as unusual_band
    from {{ source('scores', 'customer_score') }}
    where
        build_id = {{ build_id() }}
        and as_of_date = {{ business_date() }}
        and model in ('value_up', 'clv', 'segment', 'anomaly')
        and is_champion
    group by customer_id
),

feedback as (
    select distinct on (score.customer_id)
        score.customer_id,
        score.band
    from {{ source('scores', 'feedback_score') }} as score
    inner join {{ current('ftr_feedback') }} as given on score.feedback_id = given.feedback_id
    where
        score.build_id = {{ build_id() }}
        and score.as_of_date = {{ business_date() }}
        and score.model = 'sentiment'
        and score.is_champion
    order by score.customer_id, given.feedback_date desc, score.feedback_id desc
),

person as (
    select
        value.customer_id,
        scored.growth_band,
        scored.value_band,
        scored.value_amount,
        scored.group_key,
        scored.unusual_band,
        feedback.band as feedback_band
    from {{ current('tag_value') }} as value
    left join scored on value.customer_id = scored.customer_id
    left join feedback on value.customer_id = feedback.customer_id
)

select
    customer_id,
    coalesce(growth_band, 'unscored') as growth_chance,
    coalesce(value_band, 'unscored') as lifetime_value,
    case
        when value_amount is null then 'unscored'
        when value_amount < 0 then 'loss'
        when value_amount < 200 then 'small'
        when value_amount < 2000 then 'middle'
        else 'large'
    end as lifetime_value_size,
    case
        when group_key is null then 'unscored'
        when substring(group_key from '^s([0-9]+)$')::integer between 1 and 20 then group_key
        else 'later'
    end as natural_group,
    case unusual_band
        when 'high' then 'very'
        when 'medium' then 'somewhat'
        when 'low' then 'usual'
        else 'unscored'
    end as unusual_activity,
    coalesce(feedback_band, 'unscored') as feedback_feeling,
    {{ build_columns() }}
from person
