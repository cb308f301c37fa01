-- Of the last month that was complete on the as-of date.
with as_of as (
    select
        as_of.as_of_date,
        (date_trunc('month', as_of.as_of_date::timestamp + interval '1 day') - interval '1 day')::date as month_end_date
    from {{ as_of_dates() }}
)

select
    as_of.as_of_date,
    coalesce(link.linked_customer_id, margin.customer_id) as customer_id,
    {%- for name in [
        'deposit_margin', 'fee', 'loan_margin', 'card', 'service_cost', 'expected_loss', 'margin',
        'income_3m', 'margin_3m', 'margin_6m', 'margin_12m',
    ] %}
    sum(margin.{{ name }}_amount) as {{ name }}_amount,
    {%- endfor %}
    {{ build_columns() }}
from as_of
inner join {{ history('fct_margin') }} as margin on as_of.month_end_date = margin.month_end_date
left join {{ state('bridge_identity') }} as link on margin.customer_id = link.customer_id
group by as_of.as_of_date, coalesce(link.linked_customer_id, margin.customer_id)
