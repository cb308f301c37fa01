-- Only months that were complete on the business date count: a label never guesses. The discount is that of the as-of
-- date.
with as_of as (
    select
        as_of.as_of_date,
        (
            select assumption.rate::double precision
            from {{ ref('margin_assumption') }} as assumption
            where
                assumption.component = 'discount_rate'
                and assumption.effective_date <= as_of.as_of_date
            order by assumption.effective_date desc
            limit 1
        ) as discount_rate,
        (select max(known.month_end_date) from {{ history('fct_margin') }} as known) as last_month_end_date
    from {{ as_of_dates() }}
),

later as (
    select
        as_of.as_of_date,
        as_of.discount_rate,
        as_of.last_month_end_date,
        months.number as months,
        (
            date_trunc('month', as_of.as_of_date::timestamp + interval '1 day') + make_interval(months => months.number)
            - interval '1 day'
        )::date as month_end_date
    from as_of
    cross join generate_series(1, 12) as months (number)
),

earned as (
    select
        later.as_of_date,
        {%- for months in [3, 6, 12] %}
        sum(margin.margin_amount / power(1 + later.discount_rate, later.months / 12.0)) filter (
            where later.months <= {{ months }}
        ) as margin_{{ months }}m_amount,
        sum(margin.income_amount) filter (where later.months <= {{ months }}) as income_{{ months }}m_amount,
        {%- endfor %}
        coalesce(link.linked_customer_id, margin.customer_id) as customer_id
    from later
    inner join {{ history('fct_margin') }} as margin on later.month_end_date = margin.month_end_date
    left join {{ state('bridge_identity') }} as link on margin.customer_id = link.customer_id
    group by later.as_of_date, coalesce(link.linked_customer_id, margin.customer_id)
),

whole as (
    select
        as_of_date,
        discount_rate,
        max(months) filter (where month_end_date <= last_month_end_date) as months
    from later
    group by as_of_date, discount_rate
)

-- A customer without a row later on has earned nothing.
select
    holding.as_of_date,
    holding.customer_id,
    whole.discount_rate,
    {%- for months in [3, 6, 12] %}
    case when whole.months >= {{ months }} then coalesce(earned.margin_{{ months }}m_amount, 0) end::double precision
        as margin_{{ months }}m_amount,
    case when whole.months >= {{ months }} then coalesce(earned.income_{{ months }}m_amount, 0) end::double precision
        as income_{{ months }}m_amount,
    {%- endfor %}
    {{ build_columns() }}
from {{ current('ind_holding') }} as holding
inner join whole on holding.as_of_date = whole.as_of_date
left join earned
    on
        holding.as_of_date = earned.as_of_date
        and holding.customer_id = earned.customer_id
where whole.months >= 3
