-- What was held, owed and done in a month (fct_margin_basis) times what was assumed of it: seeds/margin_assumption.csv.
{%- set deposits = ['current', 'savings', 'term_deposit'] %}
{%- set invested = ['wealth', 'fund', 'insurance'] %}
{%- set parts = [
    'deposit_margin', 'fee', 'loan_margin', 'card', 'income', 'service_cost', 'expected_loss', 'margin'
] %}

with link as ( -- noqa: ST03
    select * from {{ current('bridge_identity') }} as known
),

basis as (
    select * from {{ current('fct_margin_basis') }} as known
),

completed as (
    select distinct month_end_date
    from basis
),

assumption as (
    select
        {%- for component, product_line in margin_assumptions() %}
        {{ assumed(component, product_line) }} as {{ component }}{{ '_' ~ product_line if product_line }},
        {%- endfor %}
        newest.month_end_date -- noqa: RF03
    from (
        select distinct on (completed.month_end_date, seed.component, seed.product_line)
            completed.month_end_date,
            seed.component,
            seed.product_line,
            seed.rate
        from completed
        inner join {{ ref('margin_assumption') }} as seed on completed.month_end_date >= seed.effective_date
        order by completed.month_end_date, seed.component, seed.product_line, seed.effective_date desc
    ) as newest
    group by newest.month_end_date
),

earned as (
    select
        basis.customer_id,
        basis.month_end_date,
        (
            {%- for line in deposits %}
            basis.{{ line }}_amount * assumption.deposit_spread_{{ line }} / 12
            {{- " +" if not loop.last }}
            {%- endfor %}
        )::double precision as deposit_margin_amount,
        (
            {%- for line in invested %}
            basis.{{ line }}_amount * assumption.management_fee_{{ line }} / 12
            + basis.{{ line }}_sale_amount * assumption.sales_fee_{{ line }}
            {{- " +" if not loop.last }}
            {%- endfor %}
        )::double precision as fee_amount,
        (basis.loan_amount * assumption.loan_spread_loan / 12)::double precision as loan_margin_amount,
        (
            basis.debit_amount * assumption.interchange_debit
            + basis.credit_amount * (assumption.interchange_credit + assumption.revolving_margin)
        )::double precision as card_amount,
        (
            basis.account_count * assumption.account_cost
            + basis.counter_count * assumption.counter_cost
            + basis.call_count * assumption.call_cost
            + basis.visit_count * assumption.visit_cost
        )::double precision as service_cost_amount,
        (
            (basis.loan_amount - basis.late_amount) * assumption.loan_loss / 12
            + basis.late_amount * assumption.arrears_loss / 12
            + basis.credit_amount * assumption.card_loss
        )::double precision as expected_loss_amount
    from basis
    inner join assumption on basis.month_end_date = assumption.month_end_date
),

margin as (
    select
        *,
        deposit_margin_amount + fee_amount + loan_margin_amount + card_amount as income_amount,
        deposit_margin_amount + fee_amount + loan_margin_amount + card_amount
        - service_cost_amount - expected_loss_amount as margin_amount
    from earned
),

known as (
    select
        customer_id,
        month_end_date,
        income_amount,
        margin_amount
    from margin
    {%- if built_before() %}

    union all

    select
        coalesce(link.linked_customer_id, before.customer_id) as customer_id,
        before.month_end_date,
        before.income_amount,
        before.margin_amount
    from {{ earlier(this) }} as before
    left join link on before.customer_id = link.customer_id
    where
        exists (select 1 from completed)
        and before.month_end_date < (select min(completed.month_end_date) from completed)
        and before.month_end_date > (select min(completed.month_end_date) from completed) - interval '12 months'
    {%- endif %}
),

-- A month without a row earned nothing.
run_up as (
    select
        customer_id,
        month_end_date,
        {%- for months in [3, 6, 12] %}
        sum(sum(margin_amount)) over (
            partition by customer_id
            order by date_trunc('month', month_end_date::timestamp)
            range between interval '{{ months - 1 }} months' preceding and current row
        ) as margin_{{ months }}m_amount,
        {%- endfor %}
        sum(sum(income_amount)) over (
            partition by customer_id
            order by date_trunc('month', month_end_date::timestamp)
            range between interval '2 months' preceding and current row
        ) as income_3m_amount
    from known
    group by customer_id, month_end_date
)

select
    margin.customer_id,
    margin.month_end_date,
    {%- for name in parts %}
    round(margin.{{ name }}_amount::numeric, 4)::double precision as {{ name }}_amount,
    {%- endfor %}
    {%- for name in ['income_3m', 'margin_3m', 'margin_6m', 'margin_12m'] %}
    round(run_up.{{ name }}_amount::numeric, 4)::double precision as {{ name }}_amount,
    {%- endfor %}
    {{ build_columns() }}
from margin
inner join run_up
    on
        margin.customer_id = run_up.customer_id
        and margin.month_end_date = run_up.month_end_date
order by margin.month_end_date, margin.customer_id
