{# Month ends, and what every account and wealth position held at them. #}

{# completed_month_ends() -> (month_end_date: the month ends that this business date completes). One that falls between
   two business dates comes with the later; the first date of all completes every one since the first balance. #}
{% macro completed_month_ends() -%}
    (
        select (series.month_start + interval '1 month' - interval '1 day')::date as month_end_date
        from (
            select
                coalesce(
                    {{ last_published_date() }} + 1,
                    (
                        select min(balance.balance_date)
                        from {{ ref('stg_core_banking__balance') }} as balance
                        where balance.business_date <= {{ business_date() }}
                    )
                ) as first_date
        ) as span
        inner join lateral generate_series(
            date_trunc('month', span.first_date::timestamp), {{ business_date() }}::timestamp, interval '1 month'
        ) as series (month_start) on true
        where (series.month_start + interval '1 month' - interval '1 day')::date <= {{ business_date() }}
    )
{%- endmacro %}

{# month_end_balances('completed') -> (position_id, customer_id, product_id, month_end_date, balance_amount) for the
   month ends of the CTE that is named; customer and product are those of a wealth position, null for an account. Balances
   come from the states of the date before and today's files, without such states from all files; nothing is read where
   no month end is completed. #}
{% macro month_end_balances(completed) -%}
    {%- set goes_on = stands_on_previous('int_position_balance') and stands_on_previous('int_wealth_position') -%}
    {%- set today = ('=' if goes_on else '<=') ~ ' ' ~ business_date() -%}
    {%- set month_ends -%}
        array(select month_end.month_end_date from {{ completed }} as month_end order by month_end.month_end_date)
    {%- endset -%}
    (
        select
            stood.position_id,
            stood.customer_id,
            stood.product_id,
            ({{ month_ends }})[place.number + 1] as month_end_date,
            stood.balance_amount
        from (
            {# A balance stands until the next month end before which it moved. #}
            select
                last_of_month.*,
                coalesce(
                    lead(last_of_month.place) over (
                        partition by last_of_month.position_id
                        order by last_of_month.place
                    ),
                    cardinality({{ month_ends }})
                ) as next_place
            from (
                select distinct on (position_id, place)
                    known.*,
                    {# How many of the month ends lie before it. #}
                    width_bucket(known.balance_date - 1, {{ month_ends }}) as place
                from (
                    {{ _balances(ref('stg_core_banking__balance'), 'account_id') }}
                    where business_date {{ today }} and exists (select 1 from {{ completed }})
                    union all
                    {{ _positions(ref('stg_wealth__position')) }}
                    where business_date {{ today }} and exists (select 1 from {{ completed }})
                    {%- if goes_on %}
                    union all
                    {{ _balances(previous('int_position_balance'), 'position_id') }}
                    where not starts_with(position_id, customer_id || '/') and exists (select 1 from {{ completed }})
                    union all
                    {{ _positions(previous('int_wealth_position')) }}
                    where exists (select 1 from {{ completed }})
                    {%- endif %}
                ) as known
                where known.balance_date <= (select max(month_end.month_end_date) from {{ completed }} as month_end)
                order by position_id, place, balance_date desc, business_date desc
            ) as last_of_month
        ) as stood
        inner join lateral generate_series(stood.place, stood.next_place - 1) as place (number) on true
    )
{%- endmacro %}

{% macro _balances(rows, id) -%}
    select
        {{ id }} as position_id,
        null::text as customer_id,
        null::text as product_id,
        balance_date,
        balance_amount,
        business_date
    from {{ rows }} as balance
{%- endmacro %}

{% macro _positions(rows) -%}
    select
        customer_id || '/' || product_id as position_id,
        customer_id,
        product_id,
        position_date as balance_date,
        market_value_amount as balance_amount,
        business_date
    from {{ rows }} as position
{%- endmacro %}

{# held_lines() -> what customers hold, by line: today, and in a training build also at the month ends before. The model
   has to say `-- depends_on` fct_holding. #}
{% macro held_lines() -%}
    (
        select
            {{ business_date() }} as as_of_date,
            customer_id,
            product_line,
            product_count,
            {{ business_date() }} - first_open_date as held_days
        from {{ state('fct_holding_current') }} as present
        {%- if var('build_kind', 'daily') == 'training' %}

        union all

        select
            past.month_end_date as as_of_date,
            coalesce(link.linked_customer_id, past.customer_id) as customer_id,
            past.product_line,
            past.product_count,
            null as held_days
        from {{ history('fct_holding') }} as past
        left join {{ state('bridge_identity') }} as link on past.customer_id = link.customer_id
        where past.month_end_date < {{ business_date() }}
        {%- endif %}
    )
{%- endmacro %}
