{# Indicators are declared as families in the model's YAML (config.meta.families) and expanded here.

   indicators('fct_transaction', 'transaction_date', delivered_by='core_banking.transaction'), with the family
       {name: transaction_in_amount, aggregate: sum, measure: amount, filter: "direction = 'in'", windows: [30, 90], …}
   -> one row per person and as-of date of the population: as_of_date, customer_id, transaction_in_amount_30d,
      transaction_in_amount_90d, …; 0 for a person without rows, null where the table has never delivered.

   Windows slide. An event moves a window by +1 when it enters and by −1 when it leaves it, so a day's values are
   those of the date before plus what moved: the work is the day's events and those of one day at each window's far
   end. Sums are rounded to the cent, so going on and computing whole give the same bytes. #}
{% macro indicators(fact, event_date, delivered_by) -%}
    {%- set families = _computed_families() -%}
    {%- set windows, measures, filters = [], [], [] -%}
    {%- for family in families -%}
        {%- for window in family['windows'] if window not in windows -%}{%- do windows.append(window) -%}{%- endfor -%}
        {%- if family.get('measure') and family['measure'] not in measures -%}{%- do measures.append(family['measure']) -%}{%- endif -%}
        {%- if family.get('filter') and family['filter'] not in filters -%}{%- do filters.append(family['filter']) -%}{%- endif -%}
    {%- endfor -%}
    {%- set longest = windows | max | default(1) -%}
    {%- set slides = stands_on_previous() and var('as_of_dates') | length <= 1 -%}
    with population as (
        select
            as_of_date,
            customer_id
        from {{ current('ind_holding') }} as holding
    ),

    link as (
        select
            customer_id,
            linked_customer_id
        from {{ state('bridge_identity') }} as identity
    ),

    {{ window_events(fact, event_date, windows, slides) }}

    -- Kept apart, so that each condition is judged once a row, not once a column.
    judged as (
        select
            as_of.as_of_date,
            event.person_id as customer_id,
            as_of.as_of_date - event.{{ event_date }} as age_days,
            {%- for measure in measures %}
            ({{ measure }})::double precision as measure_{{ loop.index }},
            {%- endfor %}
            {%- for filter in filters %}
            coalesce({{ filter }}, false) as filter_{{ loop.index }},
            {%- endfor %}
            {%- for window in windows %}
            (as_of.as_of_date - event.{{ event_date }} < {{ window }})::integer
            {%- if slides %}
            - coalesce((event.age_days_before >= 0 and event.age_days_before < {{ window }})::integer, 0)
            {%- endif %} as move_{{ window }}{{ "," if not loop.last }}
            {%- endfor %}
        from {{ as_of_dates() }}
        inner join event
            on
                event.{{ event_date }} <= as_of.as_of_date
                {%- if not slides %}
                and event.{{ event_date }} > as_of.as_of_date - {{ longest }}
                {%- endif %}
        offset 0
    ),

    -- One row per person and set of windows that it moves: families are added up once, not once a window.
    part as (
        select
            as_of_date,
            customer_id,
            {%- for window in windows %}
            move_{{ window }},
            {%- endfor %}
            {%- for family in families %}
            {{ family_part(family, measures, filters) }} as part_{{ loop.index }},
            {%- endfor %}
            count(*) as event_count
        from judged
        group by
            as_of_date, customer_id
            {%- for window in windows %}, move_{{ window }}{%- endfor %}
    ),

    moved as (
        select
            as_of_date,
            customer_id,
            {%- for family in families %}
            {%- set part = 'part_' ~ loop.index %}
            {%- for window in family['windows'] %}
            {{ family_moved(family, window, part) }} as {{ indicator_name(family, window) }},
            {%- endfor %}
            {%- endfor %}
            sum(event_count) as event_count
        from part
        group by as_of_date, customer_id
    )

    select
        population.as_of_date,
        population.customer_id,
        {%- for family in (config.get('meta') or {}).get('families', []) %}
        {%- for window in family['windows'] %}
        {%- set computed = family in families and family.get('delivered_by', delivered_by) in var('delivered') %}
        {{ family_value(family, window, slides) if computed else 'null' }}::{{ aggregate_type(family) }} as {{ indicator_name(family, window) }},
        {%- endfor %}
        {%- endfor %}
        {{ build_columns() }}
    from population
    left join moved
        on
            population.customer_id = moved.customer_id
            and population.as_of_date = moved.as_of_date
    {%- if slides %}
    left join before
        on
            population.customer_id = before.customer_id
            and population.customer_id not in (select relinked.customer_id from relinked)
    {%- endif %}
{%- endmacro %}

{# Bump it when the macro above comes to mean something else: states of before are then not gone on with. #}
{% macro indicator_revision() -%}
    {{ return('1') }}
{%- endmacro %}

{# A training build computes what models learn from (feature: true), for many dates; a daily build everything. #}
{% macro _computed_families() -%}
    {%- set families = (config.get('meta') or {}).get('families', []) -%}
    {%- if var('build_kind', 'daily') == 'daily' -%}
        {{ return(families) }}
    {%- endif -%}
    {{ return(families | selectattr('feature', 'defined') | selectattr('feature') | list) }}
{%- endmacro %}

{# indicator_name(family, 30) -> transaction_in_amount_30d; a recency has no window in its name: days_since_session #}
{% macro indicator_name(family, window) -%}
    {{ family['name'] if family['aggregate'] == 'recency' else family['name'] ~ '_' ~ window ~ 'd' }}
{%- endmacro %}
