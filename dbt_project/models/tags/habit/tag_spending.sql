-- What cards are used for; null where no card payment was ever delivered.
with person as (
    select
        card.*,
        greatest(
            card.card_grocery_amount_365d,
            card.card_dining_amount_365d,
            card.card_transport_amount_365d,
            card.card_travel_amount_365d,
            card.card_fuel_amount_365d,
            card.card_telecom_amount_365d,
            card.card_department_amount_365d,
            card.card_clothing_amount_365d,
            card.card_electronics_amount_365d,
            card.card_health_amount_365d,
            card.card_education_amount_365d,
            card.card_beauty_amount_365d,
            card.card_entertainment_amount_365d,
            card.card_general_amount_365d
        ) as most_amount_365d
    from {{ current('ind_card') }} as card
    where card.as_of_date = {{ business_date() }} and {{ delivered('card.card_transaction') }}
)

select
    holding.customer_id,
    case
        when card.card_payment_amount_90d > 0
            then
                ntile(5) over (
                    partition by card.card_payment_amount_90d > 0
                    order by card.card_payment_amount_90d, holding.customer_id
                )::smallint
    end as card_spending_quintile,
    case
        when card.card_payment_count_90d = 0 then 'none'
        when card.card_payment_count_90d < 15 and card.card_payment_amount_90d < 300 * card.card_payment_count_90d
            then 'rare_small'
        when card.card_payment_count_90d < 15 then 'rare_large'
        when card.card_payment_amount_90d < 300 * card.card_payment_count_90d then 'frequent_small'
        when card.card_payment_count_90d >= 15 then 'frequent_large'
    end as card_use_cluster,
    case
        {%- for group in [
            'grocery', 'dining', 'transport', 'travel', 'fuel', 'telecom', 'department', 'clothing', 'electronics',
            'health', 'education', 'beauty', 'entertainment', 'general',
        ] %}
        when card.most_amount_365d > 0 and card.card_{{ group }}_amount_365d = card.most_amount_365d then '{{ group }}'
        {%- endfor %}
        when card.card_payment_amount_365d >= 0 then 'none'
    end as main_merchant_group,
    case
        when card.card_online_count_90d = 0 then 'none'
        when card.card_online_count_90d * 2 < card.card_payment_count_90d then 'some'
        when card.card_online_count_90d > 0 then 'mostly'
    end as online_shopping,
    case
        when card.card_payment_amount_60d = 0 then 'none'
        when card.card_payment_amount_30d <= 0.4 * card.card_payment_amount_60d then 'falling'
        when card.card_payment_amount_30d < 0.6 * card.card_payment_amount_60d then 'stable'
        when card.card_payment_amount_60d > 0 then 'rising'
    end as card_spending_trend,
    card.card_abroad_count_365d > 0 as pays_abroad,
    card.card_travel_count_365d >= 3 as is_traveller,
    card.card_dining_count_90d >= 6 as dines_out,
    card.card_fuel_count_365d >= 4 as is_driver,
    card.card_education_count_365d >= 3 as pays_for_education,
    card.card_large_count_90d > 0 as buys_large_items,
    card.card_weekend_count_90d > 0
    and card.card_weekend_count_90d >= 0.4 * card.card_payment_count_90d as shops_on_weekends,
    {{ build_columns() }}
from {{ current('ind_holding') }} as holding
left join person as card on holding.customer_id = card.customer_id
where holding.as_of_date = {{ business_date() }}
