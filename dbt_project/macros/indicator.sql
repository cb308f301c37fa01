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

    {% if slides -%}
    before as (
        select * from {{ previous(this) }} as state_before
    ),

    -- Persons whose customer numbers were linked or unlinked: what they had before is of other numbers.
    relinked as (
        select distinct person.customer_id
        from link
        full join {{ previous('bridge_identity') }} as link_before on link.customer_id = link_before.customer_id
        cross join lateral (
            values
            (coalesce(link.customer_id, link_before.customer_id)),
            (link.linked_customer_id),
            (link_before.linked_customer_id)
        ) as person (customer_id)
        where
            link.linked_customer_id is distinct from link_before.linked_customer_id
            and person.customer_id is not null
    ),

    -- What this date brought, and what reached or left a window since the date before.
    event as (
        select
            fact.*,
            coalesce(link.linked_customer_id, fact.customer_id) as person_id,
            null::integer as age_days_before
        from {{ current(fact) }} as fact
        left join link on fact.customer_id = link.customer_id
        where coalesce(link.linked_customer_id, fact.customer_id) not in (select relinked.customer_id from relinked)

        union all

        select
            fact.*,
            coalesce(link.linked_customer_id, fact.customer_id) as person_id,
            date '{{ var('previous_date') }}' - fact.{{ event_date }} as age_days_before
        from {{ earlier(fact) }} as fact
        left join link on fact.customer_id = link.customer_id
        where
            (
                fact.{{ event_date }} > date '{{ var('previous_date') }}'
                and fact.{{ event_date }} <= {{ business_date() }}
                {%- for window in windows %}
                or fact.{{ event_date }} > date '{{ var('previous_date') }}' - {{ window }}
                and fact.{{ event_date }} <= {{ business_date() }} - {{ window }}
                {%- endfor %}
            )
            and coalesce(link.linked_customer_id, fact.customer_id) not in (select relinked.customer_id from relinked)

        union all

        select
            fact.*,
            coalesce(link.linked_customer_id, fact.customer_id) as person_id,
            null::integer as age_days_before
        from {{ history(fact) }} as fact
        left join link on fact.customer_id = link.customer_id
        where
            fact.{{ event_date }} > {{ business_date() }} - {{ longest }}
            and coalesce(link.linked_customer_id, fact.customer_id) in (select relinked.customer_id from relinked)
    ),

    {% else -%}
    event as (
        select
            fact.*,
            coalesce(link.linked_customer_id, fact.customer_id) as person_id,
            null::integer as age_days_before
        from {{ history(fact) }} as fact
        left join link on fact.customer_id = link.customer_id
    ),

    {% endif -%}

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
            {{ _part(family, measures, filters) }} as part_{{ loop.index }},
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
            {{ _moved(family, window, part) }} as {{ indicator_name(family, window) }},
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
        {{ _value(family, window, slides) if computed else 'null' }}::{{ _type(family) }} as {{ indicator_name(family, window) }},
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

{# _part(family, …) -> sum(measure_1) filter (where filter_2) #}
{% macro _part(family, measures, filters) -%}
    {%- if family['aggregate'] == 'sum' -%}
        sum(measure_{{ measures.index(family['measure']) + 1 }})
    {%- elif family['aggregate'] == 'count' -%}
        count(*)
    {%- elif family['aggregate'] == 'recency' -%}
        min(age_days)
    {%- else -%}
        {{ exceptions.raise_compiler_error("family " ~ family['name'] ~ ": aggregate " ~ family['aggregate'] ~ " is unknown; use sum, count or recency") }}
    {%- endif -%}
    {%- if family.get('filter') %} filter (where filter_{{ filters.index(family['filter']) + 1 }}){% endif -%}
{%- endmacro %}

{# _moved(family, 30, 'part_1') -> sum(part_1 * move_30) #}
{% macro _moved(family, window, part) -%}
    {%- if family['aggregate'] == 'recency' -%}
        min({{ part }}) filter (where move_{{ window }} = 1)
    {%- else -%}
        sum({{ part }} * move_{{ window }})
    {%- endif -%}
{%- endmacro %}

{# _value(family, 30, slides) -> what it was before, plus what moved #}
{% macro _value(family, window, slides) -%}
    {%- set name = indicator_name(family, window) -%}
    {%- set before = 'coalesce(before.' ~ name ~ ', 0) + ' if slides else '' -%}
    {%- if family['aggregate'] == 'sum' -%}
        (round(({{ before }}coalesce(moved.{{ name }}, 0)) * 100) / 100 + 0)
    {%- elif family['aggregate'] == 'count' -%}
        ({{ before }}coalesce(moved.{{ name }}, 0))
    {%- elif slides -%}
        least(
            moved.{{ name }},
            case
                when before.{{ name }} + ({{ business_date() }} - date '{{ var('previous_date') }}') < {{ window }}
                    then before.{{ name }} + ({{ business_date() }} - date '{{ var('previous_date') }}')
            end
        )
    {%- else -%}
        moved.{{ name }}
    {%- endif -%}
{%- endmacro %}

{% macro _type(family) -%}
    {{ 'double precision' if family['aggregate'] == 'sum' else 'integer' }}
{%- endmacro %}

{# if_delivered('mobile.session', 'session.session_count_30d') -> 0 for a customer without rows; null where the table
   that would say so has never brought a row #}
{% macro if_delivered(table, expression) -%}
    {% if table in var('delivered') -%} coalesce({{ expression }}, 0) {%- else -%} {{ expression }} {%- endif %}
{%- endmacro %}
