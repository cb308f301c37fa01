-- As known on the date that completed the month, by person: what fct_margin multiplies by what is assumed.
-- depends_on: {{ ref('dim_loan') }}, {{ ref('dim_product') }}, {{ ref('fct_wealth_order') }}, {{ ref('dim_card') }}
-- depends_on: {{ ref('fct_card_transaction') }}, {{ ref('fct_transaction') }}, {{ ref('fct_interaction') }}
-- depends_on: {{ ref('int_position_balance') }}, {{ ref('int_wealth_position') }}
-- depends_on: {{ ref('stg_core_banking__balance') }}
{%- set deposits = ['current', 'savings', 'term_deposit'] %}
{%- set invested = ['wealth', 'fund', 'insurance'] %}

with link as (
    select * from {{ current('bridge_identity') }} as known
),

completed as (
    select
        month_end.month_end_date,
        (date_trunc('month', month_end.month_end_date::timestamp) - interval '1 day')::date as before_date
    {%- if built_before() %}
    from {{ completed_month_ends() }} as month_end
    {%- else %}
    from (select distinct known.month_end_date from {{ history('fct_holding') }} as known) as month_end
    {%- endif %}
),

span as (
    select
        min(before_date) as after_date,
        max(month_end_date) as last_date
    from completed
),

holding as (
    select
        coalesce(link.linked_customer_id, known.customer_id) as customer_id,
        known.month_end_date,
        known.product_line,
        known.product_count,
        known.balance_amount
    from {{ history('fct_holding') }} as known
    left join link on known.customer_id = link.customer_id
    where
        exists (select 1 from completed)
        and known.month_end_date >= (select span.after_date from span)
),

earliest as (
    select min(holding.month_end_date) as month_end_date
    from holding
),

-- The mean of the month's two ends; of the first month only its last day is known.
balance as (
    select
        completed.month_end_date,
        holding.customer_id,
        holding.product_line,
        holding.product_count,
        holding.balance_amount * case when earliest.month_end_date = completed.month_end_date then 1 else 0.5 end
            as balance_amount
    from completed
    inner join holding on completed.month_end_date = holding.month_end_date
    cross join earliest

    union all

    select
        completed.month_end_date,
        holding.customer_id,
        holding.product_line,
        0 as product_count,
        holding.balance_amount * 0.5 as balance_amount
    from completed
    inner join holding on completed.before_date = holding.month_end_date
),

held as (
    select
        customer_id,
        month_end_date,
        {%- for line in deposits + invested %}
        coalesce(sum(balance_amount) filter (where product_line = '{{ line }}'), 0) as {{ line }}_amount,
        {%- endfor %}
        sum(product_count) as account_count
    from balance
    group by customer_id, month_end_date
),

owed as (
    select * from {{ principal_owed() }} as loan
),

happened as (
    select * from {{ margin_events() }} as event
),

done as (
    select
        coalesce(link.linked_customer_id, happened.customer_id) as customer_id,
        (date_trunc('month', happened.happened_date::timestamp) + interval '1 month' - interval '1 day')::date
            as month_end_date,
        {%- for line in invested %}
        coalesce(sum(happened.amount) filter (where happened.kind = 'sale_{{ line }}'), 0) as {{ line }}_sale_amount,
        {%- endfor %}
        coalesce(sum(happened.amount) filter (where happened.kind = 'card_debit'), 0) as debit_amount,
        coalesce(sum(happened.amount) filter (where happened.kind = 'card_credit'), 0) as credit_amount,
        count(*) filter (where happened.kind = 'counter') as counter_count,
        count(*) filter (where happened.kind = 'call') as call_count,
        count(*) filter (where happened.kind = 'visit') as visit_count
    from happened
    left join link on happened.customer_id = link.customer_id
    group by
        coalesce(link.linked_customer_id, happened.customer_id),
        date_trunc('month', happened.happened_date::timestamp)
)

select
    customer_id,
    month_end_date,
    {%- for line in deposits + invested %}
    coalesce(held.{{ line }}_amount, 0)::double precision as {{ line }}_amount,
    {%- endfor %}
    {%- for line in invested %}
    coalesce(done.{{ line }}_sale_amount, 0)::double precision as {{ line }}_sale_amount,
    {%- endfor %}
    coalesce(owed.loan_amount, 0)::double precision as loan_amount,
    coalesce(owed.late_amount, 0)::double precision as late_amount,
    coalesce(done.debit_amount, 0)::double precision as debit_amount,
    coalesce(done.credit_amount, 0)::double precision as credit_amount,
    coalesce(held.account_count, 0)::integer as account_count,
    coalesce(done.counter_count, 0)::integer as counter_count,
    coalesce(done.call_count, 0)::integer as call_count,
    coalesce(done.visit_count, 0)::integer as visit_count,
    {{ build_columns() }}
from held
full join owed using (customer_id, month_end_date) -- noqa: ST07
full join done using (customer_id, month_end_date) -- noqa: ST07
order by month_end_date, customer_id
