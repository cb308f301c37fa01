{# Indicators are declared as families in the YAML of the ind_ models (config.meta.families) and expanded here.

   Windows slide. An event moves a window by +1 when it enters and by −1 when it leaves it, so a day's values are
   those of the date before plus what moved: the work is the day's events and those of one day at each window's far
   end. A move_ model has what moved; ind_all adds it to what was (macros/indicators/wide.sql). Sums are rounded to the cent, so
   going on and computing whole give the same bytes. #}

{# moves('ind_transaction', 'fct_transaction', 'transaction_date'), with the family
       {name: transaction_in_amount, aggregate: sum, measure: amount, filter: "direction = 'in'", windows: [30, 90], …}
   -> one row per as-of date and person with an event that moved a window: as_of_date, customer_id,
      transaction_in_amount_30d, transaction_in_amount_90d, …, each null where nothing moved it. Where windows can't
      slide everything has moved: the whole value. With days_off=true a filter may say `is_day_off`: whether the bank's
      calendar has the event's date as a day off, make-up working days being none. #}
{% macro moves(subject, fact, event_date, days_off=false) -%}
    {%- set holidays = ref('bank_holiday') if days_off -%}
    {%- set families, windows, measures, filters = [], [], [], [] -%}
    {%- for family in indicator_families().values() if family['model'] == subject and is_computed(family) -%}
        {%- do families.append(family) -%}
        {%- for window in family['windows'] if window not in windows -%}{%- do windows.append(window) -%}{%- endfor -%}
        {%- if family.get('measure') and family['measure'] not in measures -%}{%- do measures.append(family['measure']) -%}{%- endif -%}
        {%- if family.get('filter') and family['filter'] not in filters -%}{%- do filters.append(family['filter']) -%}{%- endif -%}
    {%- endfor -%}
    {%- set slides = windows_slide() -%}
    with link as (
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
            coalesce({{ filter | replace('is_day_off', day_off(event_date)) }}, false) as filter_{{ loop.index }},
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
                and event.{{ event_date }} > as_of.as_of_date - {{ windows | max | default(1) }}
                {%- endif %}
        {%- if days_off %}
        left join (select holiday_date, is_business_day from {{ holidays }}) as holiday
            on event.{{ event_date }} = holiday.holiday_date
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
    )

    select
        as_of_date,
        customer_id,
        {%- for family in families %}
        {%- set part = 'part_' ~ loop.index %}
        {%- for name, window in family_columns(family) %}
        {{ family_moved(family, window, part) }}::{{ family_type(family) }} as {{ name }},
        {%- endfor %}
        {%- endfor %}
        {{ build_columns() }}
    from part
    group by as_of_date, customer_id
{%- endmacro %}

{# day_off('transaction_date') -> as marts.dim_calendar says it, which doesn't reach as far back as training does #}
{% macro day_off(event_date) -%}
    (not coalesce(holiday.is_business_day, extract(isodow from event.{{ event_date }}) < 6))
{%- endmacro %}

{# windows_slide() -> true where ind_all can go on from the state of the date before: move_ models and ind_all have to
   agree on it #}
{% macro windows_slide() -%}
    {{ return(stands_on_previous('ind_all') and var('as_of_dates') | length <= 1) }}
{%- endmacro %}

{# Bump it when these macros come to mean something else: states of before are then not gone on with. #}
{% macro indicator_revision() -%}
    {{ return('2') }}
{%- endmacro %}

{# levels('known', 'ind_holding') -> select as_of_date, customer_id, and of that CTE every level of the model's families,
   with its type; null where the build is one for training and the family no feature #}
{% macro levels(relation, subject) -%}
    select
        as_of_date,
        customer_id,
        {%- for family in indicator_families().values() if family['model'] == subject and family['aggregate'] == 'level' %}
        {{ family['name'] if is_computed(family) else 'null' }}::{{ family_type(family) }} as {{ family['name'] }},
        {%- endfor %}
        {{ build_columns() }}
    from {{ relation }}
{%- endmacro %}
