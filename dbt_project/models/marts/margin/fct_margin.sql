-- As known on the date that completed the month, by person. What is in the assumptions: seeds/margin_assumption.csv.
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

assumption as (
    select
        newest.month_end_date,
        {%- for component, product_line in margin_assumptions() %}
        {{ assumed(component, product_line) }} as {{ component }}{{ '_' ~ product_line if product_line }}
        {{- "," if not loop.last }}
        {%- endfor %}
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
    cross join (select min(holding.month_end_date) as month_end_date from holding) as earliest

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

-- What an annuity leaves of the principal; from the month of the drawdown to the one before the last instalment.
owed as (
    select
        loan.customer_id,
        completed.month_end_date,
        sum(loan.left_amount) as loan_amount,
        coalesce(sum(loan.left_amount) filter (where loan.is_late), 0) as late_amount
    from completed
    inner join lateral (
        select
            contract.customer_id,
            contract.status = 'running_arrears' as is_late,
            contract.principal_amount * case
                when contract.monthly_rate > 0
                    then
                        (power(1 + contract.monthly_rate, contract.term_months) - power(1 + contract.monthly_rate, contract.age))
                        / (power(1 + contract.monthly_rate, contract.term_months) - 1)
                else 1 - contract.age / contract.term_months
            end as left_amount
        from (
            select
                known.*,
                coalesce(product.interest_rate, 0)::double precision / 12 as monthly_rate,
                (
                    (extract(year from completed.month_end_date) - extract(year from known.start_date)) * 12
                    + extract(month from completed.month_end_date) - extract(month from known.start_date)
                )::double precision as age
            from {{ current('dim_loan') }} as known
            left join {{ current('dim_product') }} as product on known.product_id = product.product_id
            where
                known.status in ('running', 'running_arrears')
                and known.start_date <= completed.month_end_date
        ) as contract
        where contract.age < contract.term_months
    ) as loan on true
    group by loan.customer_id, completed.month_end_date
),

-- One list of what happened in the months: kind, count and amount.
happened as (
    select
        'sale_' || ordered.product_line as kind,
        ordered.customer_id,
        ordered.ordered_date as happened_date,
        ordered.amount
    from {{ history('fct_wealth_order') }} as ordered
    where
        exists (select 1 from completed)
        and ordered.side = 'subscribe'
        and ordered.ordered_date > (select span.after_date from span)
        and ordered.ordered_date <= (select span.last_date from span)

    union all

    select
        'card_' || card.card_type as kind,
        payment.customer_id,
        payment.transaction_date as happened_date,
        payment.amount
    from {{ history('fct_card_transaction') }} as payment
    inner join {{ current('dim_card') }} as card on payment.card_id = card.card_id
    where
        exists (select 1 from completed)
        and payment.transaction_date > (select span.after_date from span)
        and payment.transaction_date <= (select span.last_date from span)

    union all

    select
        'counter' as kind,
        booked.customer_id,
        booked.transaction_date as happened_date,
        0 as amount
    from {{ history('fct_transaction') }} as booked
    where
        exists (select 1 from completed)
        and booked.channel = 'branch'
        and booked.transaction_date > (select span.after_date from span)
        and booked.transaction_date <= (select span.last_date from span)

    union all

    select
        case when served.interaction_kind = 'visit' then 'visit' else 'call' end as kind,
        served.customer_id,
        served.interaction_date as happened_date,
        0 as amount
    from {{ history('fct_interaction') }} as served
    where
        exists (select 1 from completed)
        and served.interaction_date > (select span.after_date from span)
        and served.interaction_date <= (select span.last_date from span)
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
    group by 1, 2
),

earned as (
    select
        customer_id,
        month_end_date,
        (
            {%- for line in deposits %}
            coalesce(held.{{ line }}_amount, 0) * assumption.deposit_spread_{{ line }} / 12
            {{- " +" if not loop.last }}
            {%- endfor %}
        )::double precision as deposit_margin_amount,
        (
            {%- for line in invested %}
            coalesce(held.{{ line }}_amount, 0) * assumption.management_fee_{{ line }} / 12
            + coalesce(done.{{ line }}_sale_amount, 0) * assumption.sales_fee_{{ line }}
            {{- " +" if not loop.last }}
            {%- endfor %}
        )::double precision as fee_amount,
        (coalesce(owed.loan_amount, 0) * assumption.loan_spread_loan / 12)::double precision as loan_margin_amount,
        (
            coalesce(done.debit_amount, 0) * assumption.interchange_debit
            + coalesce(done.credit_amount, 0) * (assumption.interchange_credit + assumption.revolving_margin)
        )::double precision as card_amount,
        (
            coalesce(held.account_count, 0) * assumption.account_cost
            + coalesce(done.counter_count, 0) * assumption.counter_cost
            + coalesce(done.call_count, 0) * assumption.call_cost
            + coalesce(done.visit_count, 0) * assumption.visit_cost
        )::double precision as service_cost_amount,
        (
            (coalesce(owed.loan_amount, 0) - coalesce(owed.late_amount, 0)) * assumption.loan_loss / 12
            + coalesce(owed.late_amount, 0) * assumption.arrears_loss / 12
            + coalesce(done.credit_amount, 0) * assumption.card_loss
        )::double precision as expected_loss_amount
    from held
    full join owed using (customer_id, month_end_date)
    full join done using (customer_id, month_end_date)
    inner join assumption using (month_end_date)
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
        and before.month_end_date <= (select span.after_date from span)
        and before.month_end_date > (select span.after_date from span) - interval '12 months'
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
    {%- for name in ['deposit_margin', 'fee', 'loan_margin', 'card', 'income', 'service_cost', 'expected_loss', 'margin'] %}
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
