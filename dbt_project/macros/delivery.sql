{# What was delivered, as the business date knows it. #}

{# newest('stg_card__card', ['card_id']) -> (the newest delivered version per key: card_id, …, effective_date,
   known_date), known_date being the business date whose delivery said so. A state model that selects all of it goes
   on from its own rows of the date before, where it may. #}
{% macro newest(staging, key) -%}
    {%- set relation = ref(staging) -%}
    {%- set names = [] -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(relation) if column.name not in ('business_date', 'load_id') -%}
            {%- do names.append(column.name) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set goes_on = stands_on_previous() -%}
    (
        select distinct on ({{ key | join(', ') }}) version.*
        from (
            select
                {%- for name in names %}
                {{ name }},
                {%- endfor %}
                business_date as known_date
            from {{ relation }}
            where business_date {{ '=' if goes_on else '<=' }} {{ business_date() }}
            {%- if goes_on %}
            union all
            select
                {%- for name in names %}
                {{ name }},
                {%- endfor %}
                known_date
            from {{ previous(this) }} as before
            {%- endif %}
        ) as version
        order by {{ key | join(', ') }}, effective_date desc, known_date desc
    )
{%- endmacro %}

{# latest_delivery('stg_core_banking__branch') -> (the rows of the newest delivery of a table that always comes whole) #}
{% macro latest_delivery(staging) -%}
    (
        select * from {{ ref(staging) }}
        where business_date = (
            select max(delivery.business_date)
            from {{ ref(staging) }} as delivery
            where delivery.business_date <= {{ business_date() }}
        )
    )
{%- endmacro %}
