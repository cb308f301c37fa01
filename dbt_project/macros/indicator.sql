{# Indicators are declared as families in the model's YAML (config.meta.families) and expanded here: one pass over the
   fact, however many indicators.

   indicators('fct_transaction', 'transaction_date'), with the family
       {name: transaction_in_amount, aggregate: sum, measure: amount, filter: "direction = 'in'", windows: [30, 90], …}
   -> select as_of_date, customer_id,
          coalesce(sum(fact.amount) filter (where direction = 'in' and age_days < 30), 0)::double precision
              as transaction_in_amount_30d, …
#}
{% macro indicators(fact, event_date) -%}
    {%- set families = (config.get('meta') or {}).get('families', []) -%}
    {%- set windows = [] -%}
    {%- for family in families -%}
        {%- do windows.extend(family['windows']) -%}
    {%- endfor -%}
    select
        as_of_date,
        customer_id,
        {%- for family in families %}
        {%- for window in family['windows'] %}
        {{ indicator_expression(family, window) }} as {{ indicator_name(family, window) }},
        {%- endfor %}
        {%- endfor %}
        {{ build_columns() }}
    from (
        select
            as_of.as_of_date,
            as_of.as_of_date - fact.{{ event_date }} as age_days,
            fact.*
        from {{ as_of_dates() }}
        inner join {{ history(fact) }} as fact
            on
                fact.{{ event_date }} <= as_of.as_of_date
                and fact.{{ event_date }} > as_of.as_of_date - {{ windows | max | default(0) }}
    ) as fact
    group by as_of_date, customer_id
{%- endmacro %}

{# indicator_name(family, 30) -> transaction_in_amount_30d; a recency has no window in its name: days_since_session #}
{% macro indicator_name(family, window) -%}
    {{ family['name'] if family['aggregate'] == 'recency' else family['name'] ~ '_' ~ window ~ 'd' }}
{%- endmacro %}

{# indicator_expression(family, 30) -> the aggregate over the rows of the last 30 days, the as-of date included #}
{% macro indicator_expression(family, window) -%}
    {%- set rows = (family['filter'] ~ ' and ' if family.get('filter') else '') ~ 'age_days < ' ~ window -%}
    {%- if family['aggregate'] == 'sum' -%}
        coalesce(sum({{ family['measure'] }}) filter (where {{ rows }}), 0)::double precision
    {%- elif family['aggregate'] == 'count' -%}
        count(*) filter (where {{ rows }})::integer
    {%- elif family['aggregate'] == 'recency' -%}
        min(age_days) filter (where {{ rows }})::integer
    {%- else -%}
        {{ exceptions.raise_compiler_error("family " ~ family['name'] ~ ": aggregate " ~ family['aggregate'] ~ " is unknown; use sum, count or recency") }}
    {%- endif -%}
{%- endmacro %}

{# if_delivered('mobile.session', 'session.session_count_30d') -> 0 for a customer without rows; null where the table
   that would say so has never brought a row #}
{% macro if_delivered(table, expression) -%}
    {% if table in var('delivered') -%} coalesce({{ expression }}, 0) {%- else -%} {{ expression }} {%- endif %}
{%- endmacro %}
